/** Kept in the page; older ones can be asked for. */
const messagesPerRoomMax = 600;
const keptMax = 200;

/**
 * What the server has told, and what this reader has chosen. An event may be applied twice or on top of a newer
 * state: the end is the same, because they come in order and each says what is, not what to add.
 */
export class Model {
  state = null;
  personId = Number(sessionStorage.getItem('playground.person')) || 1;
  roomId = Number(location.hash.slice(1)) || null;
  isRaw = false;
  isConnected = false;
  isKeyRotated = false;
  messages = new Map();
  /** Rooms whose oldest message is here. */
  complete = new Set();

  take(state) {
    const { messages, ...rest } = state;
    this.state = rest;
    this.messages = new Map(messages.map((message) => [message.id, message]));
    this.complete = new Set();
    if (!state.people.some(({ id }) => id === this.personId)) this.personId = state.people[0]?.id;
    if (!this.room) this.roomId = this.myRooms()[0]?.id ?? null;
  }

  takeOlder(roomId, messages, asked) {
    if (messages.length < asked) this.complete.add(roomId);
    for (const message of messages) this.messages.set(message.id, message);
  }

  get room() {
    return this.myRooms().find(({ id }) => id === this.roomId);
  }

  get person() {
    return this.user(this.personId);
  }

  myRooms() {
    return this.state?.rooms.filter(({ memberIds }) => memberIds.includes(this.personId)) ?? [];
  }

  user(id) {
    const person = this.state?.people.find((each) => each.id === id);
    if (person) return { ...person, role: 'person' };
    const bot = this.state?.bots.find((each) => each.id === id);
    return bot && { ...bot, role: 'bot' };
  }

  membersOf(room) {
    return room.memberIds.map((id) => this.user(id)).filter(Boolean);
  }

  botsIn(room) {
    return this.membersOf(room).filter(({ role }) => role === 'bot');
  }

  /** A direct room is called by the others in it, as Campfire does. */
  nameOf(room) {
    if (room.name !== null) return room.name;
    const others = this.membersOf(room).filter(({ id }) => id !== this.personId);
    return others.map(({ name }) => name).join(', ') || 'Just you';
  }

  /** Oldest first. */
  messagesIn(roomId) {
    const found = [...this.messages.values()].filter((message) => message.roomId === roomId);
    return found.sort((a, b) => a.id - b.id);
  }

  isUnread(room, personId = this.personId) {
    return room.unreadFor.includes(personId);
  }

  /** Takes one event of the stream; gives the push if it is one. */
  apply(event) {
    changes[event.type]?.(this, event);
  }

  change(id, change) {
    const message = this.messages.get(id);
    if (message) this.messages.set(id, { ...message, ...change(message) });
  }
}

const changes = {
  'message.created': (model, { message }) => {
    model.messages.set(message.id, message);
    const kept = model.messagesIn(message.roomId);
    if (kept.length <= messagesPerRoomMax) return;
    model.messages.delete(kept[0].id);
    model.complete.delete(message.roomId);
  },
  'message.edited': (model, { message }) => {
    if (model.messages.has(message.id)) model.messages.set(message.id, message);
  },
  'message.deleted': (model, { messageId }) => model.messages.delete(messageId),
  'boost.created': (model, { boost }) =>
    model.change(boost.messageId, ({ boosts }) => ({
      boosts: [...boosts.filter(({ id }) => id !== boost.id), boost],
    })),
  'boost.deleted': (model, { boostId, messageId }) =>
    model.change(messageId, ({ boosts }) => ({ boosts: boosts.filter(({ id }) => id !== boostId) })),
  'unread.changed': (model, { personId, roomId, unread }) => {
    model.state.rooms = model.state.rooms.map((room) => {
      if (room.id !== roomId) return room;
      const others = room.unreadFor.filter((id) => id !== personId);
      return { ...room, unreadFor: unread ? [...others, personId] : others };
    });
  },
  'push.sent': ({ state }, { push }) => {
    state.pushes = [...state.pushes.filter(({ id }) => id !== push.id), push].slice(-keptMax);
  },
  'room.created': ({ state }, { room }) => {
    state.rooms = [...state.rooms.filter(({ id }) => id !== room.id), room];
  },
  'delivery.started': ({ state }, { delivery }) => keepDelivery(state, delivery),
  'delivery.answered': ({ state }, { delivery }) => keepDelivery(state, delivery),
  'face.changed': ({ state }, { face }) => {
    state.face = face;
  },
  'faults.changed': ({ state }, { faults }) => {
    state.faults = faults;
  },
};

export const eventTypes = Object.keys(changes);

function keepDelivery(state, delivery) {
  const known = state.deliveries.find(({ id }) => id === delivery.id);
  // An answer told before its start was read from the state.
  if (known?.effect && !delivery.effect) return;
  const others = state.deliveries.filter((each) => each !== known);
  state.deliveries = [...others, delivery].sort((a, b) => a.id - b.id).slice(-keptMax);
}
