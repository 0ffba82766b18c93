import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { z } from 'zod';
import { messageOf } from '../lib/errors.ts';
import type { Campfire } from './campfire.ts';
import type { EventStream } from './events.ts';
import { type Faults, noFaults } from './faults.ts';
import * as ask from './page-requests.ts';
import { type MessageView, type StateView, viewBot, viewMessage, viewRoom } from './page-views.ts';
import type { Face } from './records.ts';
import { serverSentEvents } from './sse.ts';
import type { Storm } from './storm.ts';
import type { Webhooks } from './webhooks.ts';

export interface PageApiOptions {
  campfire: Campfire;
  events: EventStream;
  webhooks: Webhooks;
  faults: Faults;
  storm: Storm;
  face: { current: Face };
  /** Ends the event streams. */
  closing: AbortSignal;
}

const deliveriesShown = 200;
const pushesShown = 100;

type PageApp = Hono<{ Bindings: HttpBindings }>;

/** State, events and every act of the chat page, as JSON; for tests in another process, too. */
export function pageApi(options: PageApiOptions): PageApp {
  const app: PageApp = new Hono();
  // Any page that the developer has open could send a form here; a browser tells where it comes from.
  app.use(async (c, next) => {
    const site = c.req.header('sec-fetch-site') ?? 'none';
    return site === 'none' || site === 'same-origin'
      ? next()
      : c.json({ error: 'Not from another site' }, 403);
  });
  app.onError((error, c) => {
    if (error instanceof z.ZodError) return c.json({ error: z.prettifyError(error) }, 422);
    if (error instanceof ask.PageError) return c.json({ error: error.message }, error.status);
    return c.json({ error: messageOf(error) }, error instanceof RangeError ? 422 : 500);
  });
  mountReading(app, options);
  mountWriting(app, options);
  mountStage(app, options);
  return app;
}

function mountReading(app: PageApp, options: PageApiOptions): void {
  const { campfire, events, closing } = options;
  app.get('/state', (c) => c.json(stateOf(options, ask.limitIn(c))));
  app.get('/events', (c) =>
    c.body(serverSentEvents(campfire, events, closing), 200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
    }),
  );
  app.get('/rooms/:room/messages', (c) => {
    const before = Number(c.req.query('before') ?? Number.POSITIVE_INFINITY);
    const older = campfire.messagesIn(ask.roomIn(c, campfire).id).filter((message) => message.id < before);
    return c.json({
      messages: older.slice(-ask.limitIn(c)).map((message) => viewMessage(campfire, message)),
    });
  });
}

/** What a person does in a room. */
function mountWriting(app: PageApp, { campfire }: PageApiOptions): void {
  app.post('/rooms/:room/messages', async (c) => {
    const { personId, ...written } = ask.authored.parse(await c.req.json());
    const room = ask.memberRoom(campfire, Number(c.req.param('room')), personId);
    const message = campfire.post(personId, room.id, { html: ask.htmlOf(campfire, written) });
    return c.json({ message: viewMessage(campfire, message) }, 201);
  });
  // As the composer does it: each file is a message of its own, without text.
  app.post('/rooms/:room/files', async (c) => {
    const personId = ask.personIdIn(c);
    const room = ask.memberRoom(campfire, Number(c.req.param('room')), personId);
    const messages: MessageView[] = [];
    for (const file of (await c.req.formData()).getAll('file')) {
      if (typeof file === 'string') continue;
      const type = file.type || 'application/octet-stream';
      const draft = { file: { name: file.name, type, bytes: await file.bytes() } };
      messages.push(viewMessage(campfire, campfire.post(personId, room.id, draft)));
    }
    return c.json({ messages }, 201);
  });
  app.patch('/messages/:message', async (c) => {
    const { personId, ...written } = ask.authored.parse(await c.req.json());
    const message = ask.ownMessageIn(c, campfire, personId);
    campfire.edit(message, { html: ask.htmlOf(campfire, written) });
    return c.json({ message: viewMessage(campfire, message) });
  });
  app.delete('/messages/:message', (c) => {
    campfire.delete(ask.ownMessageIn(c, campfire, ask.personIdIn(c)));
    return c.body(null, 204);
  });
  app.post('/messages/:message/boosts', async (c) => {
    const { personId, content } = ask.boosted.parse(await c.req.json());
    return c.json({ boost: campfire.boost(personId, ask.messageIn(c, campfire, personId), content) }, 201);
  });
  app.delete('/messages/:message/boosts/:boost', (c) => {
    const personId = ask.personIdIn(c);
    const message = ask.messageIn(c, campfire, personId);
    const boost = message.boosts.find((each) => each.id === Number(c.req.param('boost')));
    if (boost?.boosterId !== personId) throw new ask.PageError(404, 'You have no such boost');
    campfire.unboost(message, boost);
    return c.body(null, 204);
  });
  app.post('/rooms/:room/presence', async (c) => {
    const { personId, present } = ask.presence.parse(await c.req.json());
    const room = ask.memberRoom(campfire, Number(c.req.param('room')), personId);
    if (present) campfire.notices.enter(personId, room);
    else campfire.notices.leave(personId, room);
    return c.body(null, 204);
  });
}

/** What only the one who directs the play does: rooms, keys, faults, storms, an upgrade, a restart. */
function mountStage(app: PageApp, { campfire, events, webhooks, faults, storm, face }: PageApiOptions): void {
  app.post('/rooms', async (c) => {
    const { id, memberIds, ...room } = ask.newRoom.parse(await c.req.json());
    const created = campfire.createRoom({
      ...room,
      ...(id && { id }),
      ...(memberIds && { members: memberIds }),
    });
    return c.json({ room: viewRoom(created) }, 201);
  });
  app.patch('/bots/:bot', async (c) => {
    const { webhookUrl, active } = ask.botChanges.parse(await c.req.json());
    const bot = ask.botIn(c, campfire);
    if (webhookUrl !== undefined) bot.webhookUrl = webhookUrl;
    if (active !== undefined) bot.active = active;
    events.emit({ type: 'bot.changed', bot });
    return c.json({ bot: viewBot(campfire, bot) });
  });
  // The new key is not told: that its owner has to bring it is the fault.
  app.post('/bots/:bot/key', async (c) => {
    const { key } = ask.newKey.parse(await c.req.json());
    const bot = ask.botIn(c, campfire);
    campfire.access.rotateKey(bot, key);
    events.emit({ type: 'bot.changed', bot });
    return c.body(null, 204);
  });
  app.delete('/bots/:bot/key', (c) => {
    const bot = ask.botIn(c, campfire);
    campfire.access.restoreKey(bot);
    events.emit({ type: 'bot.changed', bot });
    return c.body(null, 204);
  });
  app.put('/face', async (c) => {
    face.current = ask.newFace.parse(await c.req.json()).face;
    events.emit({ type: 'face.changed', face: face.current });
    return c.json({ face: face.current });
  });
  app.patch('/faults', async (c) => {
    const changes = ask.changes.parse(await c.req.json());
    faults.set(ask.faultSettings.parse({ ...faults.current, ...changes }));
    return c.json({ faults: faults.current });
  });
  app.delete('/faults', (c) => {
    faults.set(noFaults);
    return c.json({ faults: faults.current });
  });
  app.post('/storm', async (c) => {
    const { roomId, personIds, perSecond, seconds, ...written } = ask.stormy.parse(await c.req.json());
    for (const personId of personIds) ask.memberRoom(campfire, roomId, personId);
    const html = ask.htmlOf(campfire, written);
    return c.json({ messages: storm.start({ roomId, personIds, perSecond, seconds, html }) }, 202);
  });
  app.delete('/storm', (c) => {
    storm.stop();
    return c.body(null, 204);
  });
  app.post('/restart', (c) => c.json({ lostWebhooks: webhooks.dropWaiting() }));
}

/** Everything at one instant, with so many of the newest messages of each room. */
export function stateOf(options: Omit<PageApiOptions, 'closing'>, messagesPerRoom: number): StateView {
  const { campfire, webhooks, faults, face } = options;
  const rooms = [...campfire.rooms.values()];
  return {
    face: face.current,
    faults: faults.current,
    people: [...campfire.people.values()],
    bots: [...campfire.bots.values()].map((bot) => viewBot(campfire, bot)),
    rooms: rooms.map(viewRoom),
    messages: rooms.flatMap((room) => {
      const newest = campfire.messagesIn(room.id).slice(-messagesPerRoom);
      return newest.map((message) => viewMessage(campfire, message));
    }),
    deliveries: webhooks.records().slice(-deliveriesShown),
    pushes: campfire.notices.pushes.slice(-pushesShown),
    waitingWebhooks: webhooks.waiting,
  };
}
