import { byId, duration, fill, make, setText, timeOfDay } from './dom.js';
import { showFates } from './messages.js';
import { showActivity } from './rooms.js';
import { conversationName, showSessions } from './sessions.js';
import { createTrace, spansOf } from './trace.js';

/** The right column: live sessions, and each message's way through the service as it happens. */

const cards = new Map();

export function startInside(model, { snapshot, facts }) {
  const trace = createTrace();
  const waitingFor = new Map();
  const view = { snapshot, snapshotAt: performance.now(), lives: trace.lives() };
  let drawn = true;

  const draw = () => {
    drawn = true;
    showSessions(model, view);
    showTurns(model, trace.turns());
    showNews(trace.news());
    showFates(model);
    showActivity(trace.turns().some(isRunning));
  };
  const drawSoon = () => {
    if (!drawn) return;
    drawn = false;
    requestAnimationFrame(draw);
  };
  let last = { n: 0, at: 0 };
  const add = (fact) => {
    // Every connection begins with what is kept; only a service that was started anew counts from 1 again.
    if (fact.n <= last.n && fact.at <= last.at) return;
    last = fact;
    const turn = trace.add(fact);
    if (!turn || !isAtWork(turn)) return;
    for (const id of turn.messageIds) {
      waitingFor.get(id)?.(turn);
      waitingFor.delete(id);
    }
  };

  model.inside = {
    draw: drawSoon,
    turnOf: trace.turnOf,
    /** Resolves with the message's turn once its agent is at work. */
    atWork: (id) => {
      const turn = trace.turnOf(id);
      if (turn && isAtWork(turn)) return Promise.resolve(turn);
      return new Promise((resolve) => waitingFor.set(id, resolve));
    },
    reveal(turn) {
      byId('app').dataset.drawer = 'inside';
      const card = cards.get(turn.key);
      if (!card) return;
      card.open = true;
      card.scrollIntoView({ block: 'nearest', behavior: 'smooth' });
      card.classList.remove('found');
      requestAnimationFrame(() => card.classList.add('found'));
    },
  };
  for (const fact of facts) add(fact);
  draw();

  const refresh = refresher(view, drawSoon);
  const events = new EventSource('/playground/api/service/events');
  events.onmessage = ({ data }) => {
    add(JSON.parse(data));
    drawSoon();
    refresh();
  };
  setInterval(refresh, 3000);
  setInterval(drawSoon, 1000);
}

/** Asks for sessions and memory, at most every 150 ms. */
function refresher(view, done) {
  let pending = false;
  return () => {
    if (pending) return;
    pending = true;
    setTimeout(async () => {
      pending = false;
      try {
        view.snapshot = await (await fetch('/playground/api/service')).json();
        view.snapshotAt = performance.now();
        done();
      } catch {
        // The service is being restarted: what was known stays on the page until it is back.
      }
    }, 150);
  };
}

/** A turn that opens or resumes a session runs before its agent is up. */
const isAtWork = ({ path, marks }) =>
  marks.started !== undefined && (!/^(?:opened|resumed)$/.test(path) || marks.opened >= marks.started);

const isRunning = ({ state }) => state === 'accepted' || state === 'waiting' || state === 'running';

function showTurns(model, turns) {
  const list = byId('trace');
  for (const [key, card] of cards) {
    if (!turns.some((turn) => turn.key === key)) {
      card.parentElement?.remove();
      cards.delete(key);
    }
  }
  const items = turns.map((turn, index) => {
    const card = cards.get(turn.key) ?? turnCard(turn);
    cards.set(turn.key, card);
    // The newest stands open; one that the reader opened or closed stays as it was left.
    if (card.dataset.touched === undefined) card.open = index === 0;
    drawTurn(model, turn, card);
    return card.parentElement;
  });
  fill(list, items.length > 0 ? items : [nothing()]);
}

let placeholder = null;
function nothing() {
  placeholder ??= make('li', 'nothing', 'The way of your first message appears here.');
  return placeholder;
}

function turnCard() {
  const summary = make('summary', '', make('span', 'title'), make('span', 'took'), make('span', 'bar'));
  const card = make('details', 'turn', summary, make('ol', 'rows'));
  summary.addEventListener('click', () => {
    card.dataset.touched = '';
  });
  make('li', '', card);
  return card;
}

function drawTurn(model, turn, card) {
  const running = isRunning(turn);
  card.className = `turn ${turn.state}${card.classList.contains('found') ? ' found' : ''}`;
  card.dataset.outcome = turn.outcome ?? '';
  const title = card.querySelector('.title');
  setText(title, saidIn(model, turn));
  title.title = conversationName(model, turn.session);
  const spent = turn.tookMs ?? Date.now() - turn.startedAt;
  setText(card.querySelector('.took'), running ? duration(Math.max(0, spent)) : duration(spent));
  const bar = card.querySelector('.bar');
  const spans = spansOf(turn, Date.now());
  while (bar.children.length > spans.length) bar.lastElementChild.remove();
  spans.forEach(({ name, part, ms }, index) => {
    const span = bar.children[index] ?? bar.appendChild(make('span'));
    span.className = `span ${name}`;
    span.title = `${name} ${duration(ms)}`;
    span.style.flexGrow = String(part);
  });
  drawRows(turn, card.querySelector('.rows'));
}

/** What was asked, without the bot's name, which every question begins with. */
function saidIn({ state }, { messageIds }) {
  const said = state.messages.find(({ id }) => messageIds.includes(id))?.plain ?? '';
  const words = state.bots.reduce((text, { name }) => text.replace(`@${name}`, ''), said).trim();
  return words || (messageIds[0] ? `message ${messageIds[0]}` : 'a message');
}

function drawRows({ rows, startedAt }, list) {
  rows.forEach((row, index) => {
    const node = list.children[index] ?? list.appendChild(rowNode());
    const version = `${row.text} ${row.detail} ${row.times} ${row.at}`;
    if (node.dataset.version === version) return;
    node.dataset.version = version;
    node.className = `row ${row.tone}`;
    node.dataset.type = row.type;
    setText(node.children[0], offsetOf(row.at - startedAt));
    setText(node.children[1].firstChild, row.times > 1 ? `${row.text} ×${row.times}` : row.text);
    setText(node.children[1].lastChild, row.detail);
    setText(node.children[2], row.ms === null ? '' : duration(row.ms));
  });
}

function rowNode() {
  const words = make('span', 'words', make('b'), make('small'));
  return make('li', 'row', make('time'), words, make('span', 'ms'));
}

/** How long after the turn's beginning. */
function offsetOf(ms) {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}

function showNews(news) {
  byId('news-section').hidden = news.length === 0;
  byId('news').replaceChildren(
    ...news.map(({ text, detail, tone, at }) =>
      make(
        'li',
        tone,
        make('time', '', timeOfDay(at)),
        make('span', '', make('b', '', text), make('small', '', detail)),
      ),
    ),
  );
}
