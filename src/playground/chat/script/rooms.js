import { avatarOf, byId, fill, make, setText } from './dom.js';

/** Rooms and people on the left. */

export function userOf({ state }, id) {
  return [...state.people, ...state.bots].find((user) => user.id === id);
}

export function roomOf({ state, roomId }, id = roomId) {
  return state.rooms.find((room) => room.id === id);
}

export function roomsOf({ state, personId }) {
  return state.rooms.filter(({ memberIds }) => memberIds.includes(personId));
}

/** A direct room is called by the others in it, as Campfire does. */
export function nameOfRoom(model, room) {
  if (room.name !== null) return room.name;
  const others = room.memberIds.filter((id) => id !== model.personId);
  return others.map((id) => userOf(model, id)?.name ?? '?').join(', ');
}

const about = {
  open: 'Open room · mention a bot to call it',
  closed: 'Closed room · mention a bot to call it',
  direct: 'Direct conversation · the bot hears every message',
};

const links = new Map();

export function showRooms(model, choose) {
  const mine = roomsOf(model);
  const current = mine.find(({ id }) => id === model.roomId);
  setText(byId('room-name'), current ? nameOfRoom(model, current) : 'No room');
  const members = current?.memberIds.map((id) => userOf(model, id)?.name).filter(Boolean) ?? [];
  setText(
    byId('room-about'),
    current ? `${about[current.kind]}${members.length > 2 ? ` · ${members.join(', ')}` : ''}` : '',
  );
  const unread = mine.filter(
    ({ id, unreadFor }) => unreadFor.includes(model.personId) && id !== model.roomId,
  );
  document.title = `${unread.length > 0 ? `(${unread.length}) ` : ''}Playground · campfire-ai-bot`;
  byId('unread-elsewhere').hidden = unread.length === 0;
  fill(
    byId('room-list'),
    mine.map((room) => {
      const link = links.get(room.id) ?? roomLink(room);
      links.set(room.id, link);
      link.onclick = () => choose(room.id);
      setText(link.querySelector('.name'), nameOfRoom(model, room));
      link.ariaCurrent = room.id === model.roomId ? 'true' : 'false';
      link.dataset.unread = String(unread.includes(room));
      return link;
    }),
  );
}

function roomLink(room) {
  const mark = make('span', 'room-mark', room.kind === 'direct' ? '@' : '#');
  mark.ariaHidden = 'true';
  const link = make('button', 'room-link', mark, make('span', 'name'), make('span', 'dot'));
  link.type = 'button';
  link.dataset.testid = `room-${room.id}`;
  return link;
}

/** Whose eyes one sees with: one button per person, with a dot for those who have something unread. */
export function showPeople(model, choose) {
  const box = byId('people');
  if (box.querySelectorAll('label').length !== model.state.people.length) {
    for (const old of box.querySelectorAll('label')) old.remove();
    for (const person of model.state.people) {
      const input = make('input');
      Object.assign(input, { type: 'radio', name: 'person', value: String(person.id) });
      input.dataset.testid = `person-${person.id}`;
      input.onchange = () => choose(person.id);
      const label = make(
        'label',
        'person',
        input,
        avatarOf(person),
        make('span', 'name', person.name),
        make('span', 'dot'),
      );
      label.dataset.person = String(person.id);
      box.append(label);
    }
  }
  for (const label of box.querySelectorAll('label')) {
    const id = Number(label.dataset.person);
    label.firstElementChild.checked = id === model.personId;
    label.dataset.unread = String(
      id !== model.personId && model.state.rooms.some(({ unreadFor }) => unreadFor.includes(id)),
    );
  }
}

/** Marks an icon in the header while the service works, for a page too narrow to show how. */
export function showActivity(isBusy) {
  byId('open-inside').classList.toggle('busy', isBusy);
}
