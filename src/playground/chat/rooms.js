import { request } from './api.js';

/** Rooms on the left, messages in the middle. */

const make = (tag, className, ...children) => {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children);
  return node;
};

export function userOf({ state }, id) {
  return [...state.people, ...state.bots].find((user) => user.id === id);
}

/** A direct room is called by the others in it, as Campfire does. */
function nameOfRoom(model, room) {
  if (room.name !== null) return room.name;
  const others = room.memberIds.filter((id) => id !== model.personId);
  return others.map((id) => userOf(model, id)?.name ?? '?').join(', ');
}

export function showRooms(model, choose) {
  const mine = model.state.rooms.filter(({ memberIds }) => memberIds.includes(model.personId));
  const current = mine.find(({ id }) => id === model.roomId);
  document.getElementById('room-name').textContent = current ? nameOfRoom(model, current) : '';
  document.getElementById('room-list').replaceChildren(
    ...mine.map((room) => {
      const button = make(
        'button',
        'room-link',
        room.kind === 'direct' ? '@ ' : '# ',
        nameOfRoom(model, room),
      );
      button.type = 'button';
      button.dataset.testid = `room-${room.id}`;
      button.ariaCurrent = room.id === model.roomId ? 'true' : 'false';
      button.dataset.unread = String(room.unreadFor.includes(model.personId) && room.id !== model.roomId);
      button.onclick = () => choose(room.id);
      return button;
    }),
  );
}

export function showMessages(model) {
  const list = document.getElementById('messages');
  const messages = model.state.messages.filter(({ roomId }) => roomId === model.roomId);
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  const sameRoom = list.dataset.room === String(model.roomId);
  const known = new Map([...list.children].map((node) => [node.dataset.version, node]));
  const nodes = messages.map((message, index) => {
    const before = messages[index - 1];
    const joined = before?.creatorId === message.creatorId && message.createdAt - before.createdAt < 300_000;
    const version = JSON.stringify([message, joined, model.raw, model.personId]);
    return known.get(version) ?? messageNode(model, message, joined, version);
  });
  if (nodes.length === 0) nodes.push(emptyNode());
  list.replaceChildren(...nodes);
  list.dataset.room = String(model.roomId);
  if (atEnd || !sameRoom) list.scrollTop = list.scrollHeight;
}

function emptyNode() {
  const node = make('li', 'empty');
  node.append(
    make('strong', '', 'Nobody has said anything here yet.'),
    make(
      'span',
      '',
      'Choose a suggestion below, or write @ and pick the bot. The column on the right shows what happens inside.',
    ),
  );
  return node;
}

function messageNode(model, message, joined, version) {
  const author = userOf(model, message.creatorId);
  const mine = message.creatorId === model.personId;
  const node = make('li', `message${mine ? ' mine' : ''}${joined ? ' joined' : ''}`);
  Object.assign(node.dataset, { testid: `message-${message.id}`, creator: message.creatorId, version });
  const name = author?.name ?? 'somebody';
  const avatar = make('span', 'avatar', [...name][0] ?? '?');
  avatar.ariaHidden = 'true';
  avatar.dataset.hue = String((message.creatorId * 47) % 6);
  const time = make(
    'time',
    '',
    new Date(message.createdAt).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' }),
  );
  const meta = make('div', 'meta', make('strong', '', name), time);
  if (message.editedAt) meta.append(make('span', 'edited', 'edited'));
  const bubble = make('div', 'bubble', bodyOf(message));
  if (model.raw) bubble.append(...rawOf(message));
  node.append(
    avatar,
    make('div', 'content', meta, bubble, boostsOf(model, message)),
    actionsOf(model, message, mine),
  );
  return node;
}

/** The sanitiser's output, which is what Campfire shows; the page's policy forbids scripts besides. */
function bodyOf(message) {
  const body = make('div', 'body');
  body.dataset.testid = 'body';
  if (message.attachment) {
    const { name, type, size, url } = message.attachment;
    const link = make('a', 'file', `${name} (${Math.max(1, Math.round(size / 1024))} KB)`);
    link.href = url;
    link.download = name;
    if (/^image\/(png|jpeg|gif|webp)$/.test(type)) {
      const image = make('img', 'preview');
      Object.assign(image, { src: url, alt: name });
      body.append(image);
    }
    body.append(link);
  } else if (message.shown?.sound) {
    body.append(`♪ ${message.shown.sound}`);
  } else {
    body.innerHTML = message.shown?.html ?? '';
    body.classList.toggle('emoji', Boolean(message.shown?.emojiOnly));
  }
  return body;
}

function rawOf(message) {
  const parts = [make('pre', 'raw', message.html ?? '')];
  const lost = message.shown?.lost ?? [];
  if (lost.length > 0)
    parts.push(
      make('p', 'lost', `Not shown: ${lost.map(({ tag, text }) => `<${tag}> ${text}`).join(' · ')}`),
    );
  return parts;
}

function boostsOf(model, message) {
  const row = make('div', 'boosts');
  for (const { id, boosterId, content } of message.boosts) {
    const boost = make('button', 'boost', content);
    boost.type = 'button';
    boost.title = userOf(model, boosterId)?.name ?? '';
    boost.disabled = boosterId !== model.personId;
    boost.onclick = () =>
      request('DELETE', `/messages/${message.id}/boosts/${id}?personId=${model.personId}`);
    row.append(boost);
  }
  return row;
}

function actionsOf(model, message, mine) {
  const actions = make('div', 'actions');
  const action = (label, title, run) => {
    const button = make('button', 'icon', label);
    Object.assign(button, { type: 'button', title, ariaLabel: title, onclick: run });
    actions.append(button);
  };
  action('👏', 'Boost', () =>
    request('POST', `/messages/${message.id}/boosts`, { personId: model.personId, content: '👏' }),
  );
  if (mine && message.html !== null) {
    action('✎', 'Edit', () => {
      const text = prompt('Edit your message', message.plain);
      return text && request('PATCH', `/messages/${message.id}`, { personId: model.personId, text });
    });
  }
  if (mine)
    action('✕', 'Delete', () => request('DELETE', `/messages/${message.id}?personId=${model.personId}`));
  return actions;
}
