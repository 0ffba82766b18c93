import { request } from './api.js';
import { startComposer } from './composer.js';
import { showMessages, showRooms } from './rooms.js';
import { startService } from './service.js';

/** The state as the server tells it, and what this reader has chosen. */
const model = { state: null, personId: 1, roomId: null, raw: false };

const element = (id) => document.getElementById(id);

const presence = (present) => {
  if (model.roomId === null || document.hidden) return;
  request('POST', `/rooms/${model.roomId}/presence`, { personId: model.personId, present }).catch(() => {});
};

function choosePerson(personId) {
  model.personId = personId;
  const mine = model.state.rooms.filter(({ memberIds }) => memberIds.includes(personId));
  if (!mine.some(({ id }) => id === model.roomId)) model.roomId = mine[0]?.id ?? null;
  render();
  presence(true);
}

function chooseRoom(roomId) {
  model.roomId = roomId;
  element('app').dataset.drawer = '';
  render();
  presence(true);
  element('text').focus();
}

function render() {
  showRooms(model, chooseRoom);
  showMessages(model);
  element('person').value = String(model.personId);
  element('face').value = model.state.face;
  for (const input of document.querySelectorAll('[data-fault]')) {
    input.checked = Boolean(model.state.faults[input.dataset.fault]);
  }
  showPushes();
}

function showPushes() {
  const items = model.state.pushes.slice(-5).reverse();
  element('pushes').replaceChildren(
    ...items.map(({ userId, personId, title, body }) => {
      const item = document.createElement('li');
      const to = model.state.people.find(({ id }) => id === (userId ?? personId));
      item.textContent = `${to ? `to ${to.name}: ` : ''}${title ?? ''} ${body ?? ''}`;
      return item;
    }),
  );
}

async function load() {
  model.state = await request('GET', '/state');
  const { people } = model.state;
  element('person').replaceChildren(...people.map(({ id, name }) => new Option(name, String(id))));
  if (!people.some(({ id }) => id === model.personId)) model.personId = people[0].id;
  choosePerson(model.personId);
}

const apply = {
  'message.created': ({ message }) => model.state.messages.push(message),
  'message.edited': ({ message }) => {
    model.state.messages = model.state.messages.map((old) => (old.id === message.id ? message : old));
  },
  'message.deleted': ({ messageId }) => {
    model.state.messages = model.state.messages.filter(({ id }) => id !== messageId);
  },
  'boost.created': ({ boost }) => {
    const message = model.state.messages.find(({ id }) => id === boost.messageId);
    if (message && !message.boosts.some(({ id }) => id === boost.id)) message.boosts.push(boost);
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
  'push.sent': ({ push }) => model.state.pushes.push(push),
  'room.created': ({ room }) => model.state.rooms.push(room),
  'face.changed': ({ face }) => {
    model.state.face = face;
  },
  'faults.changed': ({ faults }) => {
    model.state.faults = faults;
  },
};

function listen() {
  const events = new EventSource('/playground/api/events');
  let scheduled = false;
  events.onopen = () => load();
  for (const [type, change] of Object.entries(apply)) {
    events.addEventListener(type, ({ data }) => {
      if (!model.state) return;
      change(JSON.parse(data));
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
  element('person').onchange = ({ target }) => choosePerson(Number(target.value));
  element('raw').onchange = ({ target }) => {
    model.raw = target.checked;
    render();
  };
  element('theme').onclick = () => {
    const dark = matchMedia('(prefers-color-scheme: dark)').matches;
    const now = document.documentElement.dataset.theme ?? (dark ? 'dark' : 'light');
    document.documentElement.dataset.theme = now === 'dark' ? 'light' : 'dark';
  };
  element('face').onchange = ({ target }) => request('PUT', '/face', { face: target.value });
  for (const input of document.querySelectorAll('[data-fault]')) {
    const on = { slowMs: 5000, duplicates: 1 }[input.dataset.fault] ?? true;
    const off = { slowMs: 0, duplicates: 0 }[input.dataset.fault] ?? false;
    input.onchange = () => request('PATCH', '/faults', { [input.dataset.fault]: input.checked ? on : off });
  }
  element('storm').onclick = () => {
    const bot = model.state.bots[0];
    const text = bot ? `@${bot.name} storm {n}` : 'storm {n}';
    const about = { roomId: model.roomId, personIds: [model.personId], text, mentions: bot ? [bot.id] : [] };
    return request('POST', '/storm', { ...about, perSecond: 100, seconds: 1 });
  };
  for (const [button, drawer] of [
    ['open-rooms', 'rooms'],
    ['open-service', 'service'],
  ]) {
    element(button).onclick = () => {
      const { dataset } = element('app');
      dataset.drawer = dataset.drawer === drawer ? '' : drawer;
    };
  }
  document.addEventListener('keydown', ({ key }) => {
    if (key === 'Escape') element('app').dataset.drawer = '';
  });
  setInterval(() => presence(true), 45_000);
  document.addEventListener('visibilitychange', () => presence(true));
}

startControls();
startComposer(model);
startService(model);
listen();
