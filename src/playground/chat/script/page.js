import { request } from './api.js';
import { startComposer } from './composer.js';
import { startDeliveries } from './deliveries.js';
import { byId } from './dom.js';
import { startInside } from './inside.js';
import { showFates, showMessages } from './messages.js';
import { showPushes } from './pushes.js';
import { roomsOf, showPeople, showRooms } from './rooms.js';
import { showStage, startStage } from './stage.js';

/** The state as the server tells it, what this reader has chosen, and what other modules offer here. */
const data = JSON.parse(byId('data').textContent);
const model = {
  state: data.state,
  personId: data.state.people[0].id,
  roomId: null,
  raw: false,
  inside: null,
  sessionTtlSeconds: data.service?.snapshot.sessionTtlSeconds,
};

const presence = (present, roomId = model.roomId) => {
  if (roomId === null || document.hidden) return;
  request('POST', `/rooms/${roomId}/presence`, { personId: model.personId, present }).catch(() => {});
};

function choosePerson(personId) {
  presence(false);
  model.personId = personId;
  stayInRoom();
  render();
  presence(true);
}

function chooseRoom(roomId) {
  if (roomId !== model.roomId) presence(false);
  model.roomId = roomId;
  byId('app').dataset.drawer = '';
  render();
  presence(true);
  byId('text').focus({ preventScroll: true });
}

/** In the room where one is, if one may be there. */
function stayInRoom() {
  const mine = roomsOf(model);
  if (!mine.some(({ id }) => id === model.roomId)) model.roomId = mine[0]?.id ?? null;
}

function render() {
  showRooms(model, chooseRoom);
  showPeople(model, choosePerson);
  showMessages(model);
  showFates(model);
  showStage(model);
  showPushes(model);
  model.inside?.draw();
}

/** Events may tell of what is in the state already. */
const withOne = (list, one) => (list.some(({ id }) => id === one.id) ? list : [...list, one]);

const apply = {
  'message.created': ({ message }) => {
    model.state.messages = withOne(model.state.messages, message);
  },
  'message.edited': ({ message }) => {
    model.state.messages = model.state.messages.map((old) => (old.id === message.id ? message : old));
  },
  'message.deleted': ({ messageId }) => {
    model.state.messages = model.state.messages.filter(({ id }) => id !== messageId);
  },
  'boost.created': ({ boost }) => {
    const message = model.state.messages.find(({ id }) => id === boost.messageId);
    if (message) message.boosts = withOne(message.boosts, boost);
  },
  'boost.deleted': ({ boostId, messageId }) => {
    const message = model.state.messages.find(({ id }) => id === messageId);
    if (message) message.boosts = message.boosts.filter(({ id }) => id !== boostId);
  },
  'unread.changed': ({ personId, roomId, unread }) => {
    const room = model.state.rooms.find(({ id }) => id === roomId);
    if (!room) return;
    room.unreadFor = room.unreadFor.filter((id) => id !== personId);
    if (unread) room.unreadFor.push(personId);
  },
  'delivery.answered': ({ delivery }) => {
    const others = model.state.deliveries.filter(({ id }) => id !== delivery.id);
    model.state.deliveries = [...others.slice(-200), delivery];
  },
  'push.sent': ({ push }) => {
    model.state.pushes = withOne(model.state.pushes, push);
  },
  'room.created': ({ room }) => {
    model.state.rooms = withOne(model.state.rooms, room);
  },
  'bot.changed': ({ bot }) => {
    model.state.bots = model.state.bots.map((old) => (old.id === bot.id ? bot : old));
  },
  'face.changed': ({ face }) => {
    model.state.face = face;
  },
  'faults.changed': ({ faults }) => {
    model.state.faults = faults;
  },
};

function listen() {
  const events = new EventSource('/playground/api/events');
  let connections = 0;
  /** What is told while the state is on its way, which may be older than that; null when none is. */
  let meanwhile = null;
  events.onopen = async () => {
    // What happened between the page and this connection, or in a gap, is in the state.
    connections += 1;
    const repeats = [];
    meanwhile = repeats;
    const state = await request('GET', '/state');
    // A newer connection asks by itself.
    if (meanwhile !== repeats) return;
    meanwhile = null;
    model.state = { ...state };
    for (const repeat of repeats) repeat();
    stayInRoom();
    render();
    document.body.dataset.connected = String(connections);
  };
  let scheduled = false;
  for (const [type, change] of Object.entries(apply)) {
    events.addEventListener(type, ({ data: told }) => {
      const event = JSON.parse(told);
      change(event);
      meanwhile?.push(() => change(event));
      if (scheduled) return;
      scheduled = true;
      // A storm of events is drawn once per frame.
      requestAnimationFrame(() => {
        scheduled = false;
        render();
      });
    });
  }
  return events;
}

function startControls() {
  byId('raw').onchange = ({ target }) => {
    model.raw = target.checked;
    render();
  };
  byId('theme').onclick = () => {
    const dark = matchMedia('(prefers-color-scheme: dark)').matches;
    const root = document.documentElement;
    root.dataset.theme = (root.dataset.theme ?? (dark ? 'dark' : 'light')) === 'dark' ? 'light' : 'dark';
    try {
      localStorage.setItem('theme', root.dataset.theme);
    } catch {
      // Without storage the choice lasts as long as the page.
    }
  };
  const drawer = byId('app').dataset;
  const open = (name) => () => {
    drawer.drawer = drawer.drawer === name ? '' : name;
  };
  byId('open-rooms').onclick = open('rooms');
  byId('open-inside').onclick = open('inside');
  byId('close-inside').onclick = open('');
  byId('veil').onclick = open('');
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') drawer.drawer = '';
    if (event.altKey && (event.key === 'ArrowUp' || event.key === 'ArrowDown')) {
      event.preventDefault();
      otherRoom(event.key === 'ArrowDown' ? 1 : -1);
    }
    const writes = event.target.closest?.('input, textarea, [contenteditable]');
    if (event.key === '/' && !writes) {
      event.preventDefault();
      byId('text').focus();
    }
  });
  setInterval(() => presence(true), 45_000);
  document.addEventListener('visibilitychange', () => presence(true));
}

function otherRoom(step) {
  const mine = roomsOf(model);
  const at = mine.findIndex(({ id }) => id === model.roomId);
  const next = mine[(at + step + mine.length) % mine.length];
  if (next) chooseRoom(next.id);
}

startControls();
startComposer(model);
startStage(model);
stayInRoom();
render();
const events = listen();
if (data.service) startInside(model, data.service);
else startDeliveries(model, events);
presence(true);
