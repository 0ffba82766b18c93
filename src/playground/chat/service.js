import { request } from './api.js';
import { userOf } from './rooms.js';

/** The right column: live sessions with their memory, and each message's way through the service. */

const tracesShown = 30;
const make = (tag, className, text = '') => {
  const node = document.createElement(tag);
  node.className = className;
  node.textContent = text;
  return node;
};
const duration = (ms) => (ms < 1000 ? `${Math.round(ms * 10) / 10} ms` : `${(ms / 1000).toFixed(1)} s`);
const clockTime = (seconds) =>
  `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;

export function startService(model) {
  if (document.body.dataset.hasService !== 'true') return startDeliveries(model);
  const traces = new Map();
  const events = new EventSource('/playground/api/service/events');
  events.onopen = () => traces.clear();
  events.onmessage = ({ data }) => {
    follow(traces, JSON.parse(data));
    showTraces(traces);
    refreshSoon();
  };
  let snapshot = null;
  let pending = false;
  const refresh = async () => {
    pending = false;
    snapshot = { ...(await (await fetch('/playground/api/service')).json()), at: performance.now() };
    showSessions(model, snapshot);
  };
  const refreshSoon = () => {
    if (pending) return;
    pending = true;
    setTimeout(refresh, 150);
  };
  refreshSoon();
  setInterval(refreshSoon, 3000);
  setInterval(() => snapshot && showSessions(model, snapshot), 1000);
}

/** Adds one fact to the trace of the message that it is about. */
function follow(traces, fact) {
  const trace = () => [...traces.values()].findLast(({ session, done }) => session === fact.session && !done);
  const step = (text, kind = '') => trace()?.steps.push({ text, kind });
  switch (fact.type) {
    case 'message.accepted':
      traces.set(`${fact.session} ${fact.messageId}`, {
        ...{ session: fact.session, messageId: fact.messageId, done: false },
        steps: [{ text: `kept on disk ${duration(fact.ackMs)}`, kind: '' }],
      });
      break;
    case 'turn.waiting':
      step(`waits: ${fact.reason}`, 'wait');
      break;
    case 'turn.started': {
      const started = traces.get(`${fact.session} ${fact.messageIds[0]}`);
      if (!started) break;
      started.turn = fact.turn;
      const words = {
        hot: 'session is hot',
        resumed: 'session resumes with its memory',
        opened: 'session opens',
      };
      started.steps.push({ text: words[fact.path] ?? fact.path, kind: fact.path });
      break;
    }
    case 'session.opened':
      ofSession(traces, fact.session)?.steps.push({
        text: `claude is up ${duration(fact.openMs)}`,
        kind: fact.path,
      });
      break;
    case 'turn.step':
      ofTurn(traces, fact)?.steps.push({ text: fact.tool.replace(/^mcp__\w+__/, ''), kind: 'tool' });
      break;
    case 'turn.retried':
      ofTurn(traces, fact)?.steps.push({ text: 'agent died, trying again', kind: 'bad' });
      break;
    case 'turn.decided':
      ofTurn(traces, fact)?.steps.push({
        text: `${fact.outcome} ${duration(fact.durationMs)}`,
        kind: fact.outcome === 'answered' ? 'good' : 'bad',
      });
      break;
    case 'delivery.retrying':
      ofTurn(traces, fact)?.steps.push({
        text: `Campfire is away, again in ${duration(fact.retryMs)}`,
        kind: 'wait',
      });
      break;
    case 'delivery.sent': {
      const sent = ofTurn(traces, fact);
      if (sent) Object.assign(sent, { done: true, steps: [...sent.steps, { text: 'posted', kind: 'good' }] });
      break;
    }
  }
  while (traces.size > tracesShown) traces.delete(traces.keys().next().value);
}

const ofTurn = (traces, { session, turn }) =>
  [...traces.values()].find((trace) => trace.session === session && trace.turn === turn);
const ofSession = (traces, session) =>
  [...traces.values()].findLast((trace) => trace.session === session && trace.turn && !trace.done);

function showTraces(traces) {
  const items = [...traces.values()].reverse().map(({ session, messageId, steps, done }) => {
    const item = make('li', done ? 'done' : 'running');
    item.append(make('span', 'about', `${session} · message ${messageId ?? '–'}`));
    const row = make('div', 'steps');
    row.append(...steps.map(({ text, kind }) => make('span', `step ${kind}`, text)));
    item.append(row);
    return item;
  });
  if (items.length === 0) items.push(make('li', 'nothing', 'The way of your first message appears here.'));
  document.getElementById('trace').replaceChildren(...items);
}

function showSessions(model, { health, sessions, sessionTtlSeconds, modelIsScripted, at }) {
  const box = document.getElementById('sessions');
  const ageSeconds = (performance.now() - at) / 1000;
  const head = make('p', 'summary', summary(health, modelIsScripted));
  const cards = sessions.map(({ id, state, pid, turns, idle_seconds: idleSeconds, memory_mb: memoryMb }) => {
    const card = make('div', `session ${state}`);
    const left = Math.max(0, sessionTtlSeconds - idleSeconds - ageSeconds);
    const [roomId] = id.split(':');
    const room = model.state?.rooms.find((each) => each.id === Number(roomId));
    const name =
      room?.name ?? (room ? room.memberIds.map((each) => userOf(model, each)?.name).join(' & ') : id);
    card.append(make('strong', '', name), make('span', 'state', state));
    const bar = make('progress', 'memory');
    Object.assign(bar, { max: 300, value: memoryMb, title: `${memoryMb} MB` });
    card.append(
      bar,
      make('span', 'detail', `${memoryMb} MB · pid ${pid ?? '–'} · ${turns} turn${turns === 1 ? '' : 's'}`),
    );
    if (state === 'idle')
      card.append(make('span', 'detail', `closes in ${clockTime(left)}, comes back with its memory`));
    return card;
  });
  if (cards.length === 0)
    cards.push(
      make('p', 'nothing', 'No live session: no memory is used. The next message opens or resumes one.'),
    );
  box.replaceChildren(make('h3', '', 'Sessions'), head, ...cards);
}

function summary({ sessions, memory, containment }, modelIsScripted) {
  const live = `${sessions.live} live, ${sessions.busy} busy`;
  const machine = `${memory.used_mb.toLocaleString()} of ${memory.limit_mb.toLocaleString()} MB used on this machine`;
  return `${live} · ${machine} · ${containment} containment · ${modelIsScripted ? 'scripted model' : 'real model'}`;
}

/** Without a service to watch: what the bot's endpoint answered, and what Campfire made of it. */
function startDeliveries() {
  document.getElementById('sessions').hidden = true;
  const list = document.getElementById('trace');
  const events = new EventSource('/playground/api/events');
  const refresh = async () => {
    const { deliveries } = await request('GET', '/state?messages=1');
    const items = deliveries
      .slice(-tracesShown)
      .reverse()
      .map(({ botId, messageId, status, ms, effect }) => {
        const item = make('li', 'done');
        item.append(make('span', 'about', `bot ${botId} · message ${messageId}`));
        const row = make('div', 'steps');
        row.append(
          make('span', 'step', `${status ?? 'no answer'} after ${duration(ms ?? 0)}`),
          make('span', 'step', JSON.stringify(effect ?? '')),
        );
        item.append(row);
        return item;
      });
    list.replaceChildren(...items);
  };
  events.addEventListener('delivery.answered', refresh);
  events.onopen = refresh;
}
