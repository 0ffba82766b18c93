import { act } from './api.js';
import { byId, clockTime, duration, fill, make, setText } from './dom.js';
import { nameOfRoom } from './rooms.js';

/** One card per conversation that has or had an agent: its process and memory, or that it sleeps. */

const memoryShownMb = 320;
const cards = new Map();

/** Sessions that live, then those that sleep; at most so many of the latter. */
const asleepMax = 3;

export function showSessions(model, { snapshot, snapshotAt, lives }) {
  const live = snapshot?.sessions ?? [];
  const asleep = [...lives]
    .filter(
      ([name, { isLive, events }]) => !isLive && events.length > 0 && !live.some(({ id }) => id === name),
    )
    .sort(([, a], [, b]) => b.since - a.since)
    .slice(0, asleepMax);
  const nodes = [
    ...live.map((session) => liveCard(model, session, { snapshot, snapshotAt, life: lives.get(session.id) })),
    ...asleep.map(([name, life]) => sleepingCard(model, name, life)),
  ];
  for (const [key, card] of cards) if (!nodes.includes(card)) cards.delete(key);
  fill(byId('sessions'), nodes.length > 0 ? nodes : [nothing()]);
  const spare = snapshot?.health?.sessions.spare ?? 0;
  setText(byId('machine'), machineOf(snapshot, live, spare));
}

function liveCard(model, session, { snapshot, snapshotAt, life }) {
  const { id, state, pid, turns, idle_seconds: idle, memory_mb: mb } = session;
  const card = cardFor(`live ${id}`, `session ${state}`, () => [
    make('strong', 'name'),
    make('span', 'state'),
    Object.assign(make('progress', 'memory'), { max: memoryShownMb, ariaLabel: 'Memory' }),
    make('p', 'detail'),
    make('p', 'next', make('span', 'soon'), killButton()),
    Object.assign(make('progress', 'left'), { ariaLabel: 'Time until it is closed' }),
  ]);
  card.className = `session ${state}`;
  card.dataset.testid = `session-${id}`;
  const part = (name) => card.querySelector(`.${name}`);
  const ttl = snapshot.sessionTtlSeconds;
  const left = Math.max(0, ttl - idle - (performance.now() - snapshotAt) / 1000);
  setText(part('name'), conversationName(model, id));
  setText(part('state'), state);
  part('memory').value = mb;
  setText(
    part('detail'),
    [
      mb > 0 ? `${mb} MB` : 'no reading yet',
      pid ? `pid ${pid}` : 'starting',
      `${turns} turn${turns === 1 ? '' : 's'}`,
    ].join(' · '),
  );
  setText(part('soon'), soonOf(state, left, life));
  Object.assign(part('left'), { max: ttl, value: left, hidden: state !== 'idle' });
  const kill = part('kill');
  kill.hidden = !pid;
  kill.onclick = () => act('POST', `/service/sessions/${id}/kill`);
  return card;
}

function killButton() {
  const kill = make('button', 'kill', 'kill -9');
  Object.assign(kill, { type: 'button', title: 'Kill this agent’s process: the conversation survives it' });
  return kill;
}

function soonOf(state, left, life) {
  if (state === 'idle') return left > 0 ? `closes in ${clockTime(left)}` : 'closes now';
  if (state === 'busy') return cameBy(life) ?? 'at work';
  return state === 'starting' ? 'comes up' : state;
}

function cameBy(life) {
  const opened = life?.events.find(({ type }) => type === 'session.opened');
  if (!opened) return null;
  return `${opened.path === 'resumed' ? 'resumed' : 'opened'} in ${duration(opened.ms)}`;
}

function sleepingCard(model, name, { turns, since, events }) {
  const card = cardFor(`asleep ${name}`, 'session asleep', () => [
    make('strong', 'name'),
    make('span', 'state', 'asleep'),
    Object.assign(make('progress', 'memory'), { max: memoryShownMb, value: 0, ariaLabel: 'Memory' }),
    make('p', 'detail'),
    make('p', 'next', make('span', 'soon')),
  ]);
  const closed = events.find(({ type }) => type === 'session.closed');
  const part = (className) => card.querySelector(`.${className}`);
  setText(part('name'), conversationName(model, name));
  setText(part('detail'), `No process, 0 MB · remembers ${turns} turn${turns === 1 ? '' : 's'}`);
  const ago = Math.max(0, Math.round((Date.now() - since) / 1000));
  setText(part('soon'), `${closed?.text ?? 'Closed'} ${clockTime(ago)} ago · a message resumes it`);
  return card;
}

function nothing() {
  return cardFor('none', 'nothing', () => ['No live session, no memory used. The next message opens one.']);
}

function cardFor(key, className, parts) {
  const known = cards.get(key);
  if (known) return known;
  const card = make('div', className, ...parts());
  cards.set(key, card);
  return card;
}

/** `<room>:<bot>` as people call it. */
export function conversationName(model, session) {
  const room = model.state.rooms.find(({ id }) => id === Number(session.split(':')[0]));
  if (!room) return session;
  if (room.name !== null) return room.name;
  return `with ${nameOfRoom(model, room)}`;
}

function machineOf(snapshot, live, spare) {
  if (!snapshot?.health) return '';
  const { memory } = snapshot.health;
  const agents = live.reduce((sum, { memory_mb: mb }) => sum + mb, 0);
  return [
    `${live.length} live${spare ? `, ${spare} spare` : ''}`,
    `${agents} MB`,
    `machine ${memory.percent} % full`,
    snapshot.modelIsScripted ? 'scripted model' : 'real model',
  ].join(' · ');
}
