import { byId, duration, fill, make } from './dom.js';

/** Without a service that tells: what the bot's endpoint answered, what Campfire made of it, and the bot's own calls. */

const shown = 30;
const callsShown = 12;

const effects = {
  text: 'posted as a message',
  attachment: 'posted as a file',
  timeout: 'no answer in time: the bot “says” that it failed',
  ignored: 'no Content-Type: nothing is posted',
};

export function startDeliveries(model, events) {
  const calls = [];
  const draw = () => {
    fill(
      byId('trace'),
      model.state.deliveries
        .slice(-shown)
        .reverse()
        .map((delivery) => deliveryNode(model, delivery)),
    );
    if (model.state.deliveries.length === 0) {
      byId('trace').replaceChildren(make('li', 'nothing', 'The webhook of your first message appears here.'));
    }
    byId('news-section').hidden = calls.length === 0;
    byId('news').replaceChildren(...calls.map(callNode));
    const waiting = model.state.deliveries.filter(({ effect }) => effect === null).length;
    byId('machine').textContent = waiting ? `${waiting} on the way` : 'all delivered';
  };
  const keep = ({ data }) => {
    const { delivery } = JSON.parse(data);
    model.state.deliveries = [...model.state.deliveries.filter(({ id }) => id !== delivery.id), delivery];
    draw();
  };
  events.addEventListener('delivery.started', keep);
  events.addEventListener('delivery.answered', keep);
  events.addEventListener('api.answered', ({ data }) => {
    calls.unshift(JSON.parse(data).call);
    calls.splice(callsShown);
    draw();
  });
  model.inside = { draw, turnOf: () => undefined, started: () => new Promise(() => {}), reveal: () => {} };
  draw();
}

function deliveryNode(model, { messageId, queuedAt, startedAt, ms, status, contentType, effect }) {
  const said = model.state.messages.find(({ id }) => id === messageId)?.plain ?? `message ${messageId}`;
  const rows = [
    ['Queued', '', startedAt - queuedAt > 5 ? startedAt - queuedAt : null, ''],
    effect === null
      ? ['Sent; waiting for the answer', '', null, 'wait']
      : [
          status === null ? 'No HTTP answer' : `Answered ${status}`,
          contentType ?? '',
          ms,
          status === null ? 'bad' : '',
        ],
  ];
  if (effect)
    rows.push([
      verdictOf(effect),
      effect.cause ?? '',
      null,
      effect.kind === 'ignored' ? 'good' : effect.kind === 'text' ? '' : 'bad',
    ]);
  const list = make(
    'ol',
    'rows',
    ...rows.map(([text, detail, took, tone]) => {
      const words = make('span', 'words', make('b', '', text), make('small', '', detail));
      return make(
        'li',
        `row ${tone}`,
        make('time'),
        words,
        make('span', 'ms', took === null ? '' : duration(took)),
      );
    }),
  );
  const card = make(
    'details',
    `turn ${effect ? 'posted' : 'running'}`,
    make('summary', '', make('span', 'title', said), make('span', 'took', ms === null ? '' : duration(ms))),
    list,
  );
  card.open = true;
  return make('li', '', card);
}

function verdictOf(effect) {
  if (effect.kind === 'failed') return 'The job failed: nothing is shown';
  return `Campfire: ${effects[effect.kind]}`;
}

function callNode({ method, path, status, ms }) {
  const bad = status === null || status >= 300;
  return make(
    'li',
    bad ? 'bad' : '',
    make('time', '', status ?? 'cut'),
    make('span', '', make('b', '', `${method} ${path}`), make('small', '', duration(ms))),
  );
}
