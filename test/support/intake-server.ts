import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { createAdaptorServer, type HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { type Acceptance, emptyResponse, intakeRoutes, type Refusal } from '../../src/campfire/intake.ts';
import type { WebhookMessage } from '../../src/campfire/payload.ts';
import { type Bot, type BotParts, createBot } from '../../src/config/bot.ts';

export const KEYS = { ann: '5-abcDEF123456', ben: '6-abcDEF123456' };
export const bot = (id: 'ann' | 'ben', more: Partial<BotParts> = {}) =>
  createBot({ id, key: KEYS[id], name: id, systemPrompt: 'x', file: `${id}.json`, ...more });

interface Setup {
  bots?: Bot[];
  /** What a refresh of the bots folder brings to light. */
  laterBots?: Bot[];
  token?: string;
  publicUrl?: string;
  remote?: string;
  accept?: (bot: Bot, message: WebhookMessage) => Promise<Acceptance>;
}

/** The routes in an application and a server as the product has them, and a raw socket's view of each answer. */
export async function serve(t: TestContext, setup: Setup = {}) {
  let bots = setup.bots ?? [bot('ann'), bot('ben')];
  const accepted: [string, WebhookMessage][] = [];
  const refused: Refusal[] = [];
  const intake = intakeRoutes({
    bots: {
      all: () => bots,
      byId: (id) => bots.find((candidate) => candidate.id === id),
      byKey: (key) => bots.find((candidate) => candidate.key === key),
      default: () =>
        bots.find((candidate) => candidate.isDefault) ?? (bots.length === 1 ? bots[0] : undefined),
      refresh() {
        if (!setup.laterBots) return null;
        bots = setup.laterBots;
        return { added: bots, changed: [], removed: [], problems: [] };
      },
    },
    settings: { webhookToken: setup.token, publicUrl: setup.publicUrl },
    async accept(forBot, message) {
      accepted.push([forBot.id, message]);
      return setup.accept ? setup.accept(forBot, message) : { kind: 'accepted' };
    },
    remoteAddress: (c) => setup.remote ?? (c.env as HttpBindings).incoming.socket.remoteAddress,
    onRefused: (refusal) => refused.push(refusal),
  });
  const app = new Hono();
  app.route('/', intake);
  app.get('/page', (c) => c.text('a page'));
  app.notFound(() => emptyResponse(404));
  app.onError(() => emptyResponse(500));
  const server = createAdaptorServer({ fetch: app.fetch });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const address = server.address();
  assert(typeof address === 'object' && address);
  const raw = (bytes: string | Buffer) => talk(address.port, (socket) => socket.write(bytes));
  const post = (path: string, body: unknown, headers: Record<string, string> = {}, method = 'POST') =>
    raw(
      request(
        method,
        path,
        typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
        headers,
      ),
    );
  return { post, raw, port: address.port, accepted, refused };
}

export function request(
  method: string,
  path: string,
  body: string | Buffer,
  headers: Record<string, string>,
): Buffer {
  const lines = Object.entries({
    Host: 'localhost',
    'Content-Type': 'application/json',
    Connection: 'close',
    'Content-Length': String(Buffer.byteLength(body)),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([
    Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`),
    Buffer.from(body),
  ]);
}

/** Everything that the server says until it hangs up, as bytes on the wire. */
export async function talk(
  port: number,
  speak: (socket: Socket) => void,
): Promise<{ status: number; wire: string }> {
  const socket = connect(port, '127.0.0.1');
  let wire = '';
  socket.on('data', (chunk) => {
    wire += chunk.toString('latin1');
  });
  const closed = new Promise((resolve) => socket.on('close', resolve));
  // A server that has heard enough may reset the connection while we still write.
  socket.on('error', () => {});
  speak(socket);
  await closed;
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(wire)?.[1]), wire };
}

export function assertSilent({ wire }: { wire: string }): void {
  assert(wire.startsWith('HTTP/1.1 '), JSON.stringify(wire));
  const [head = '', ...rest] = wire.split('\r\n\r\n');
  assert(!/^content-type:/im.test(head), head);
  // The adapter's own refusals are chunked, with no chunk but the closing one.
  const empty = /^transfer-encoding: chunked$/im.test(head) ? ['0', ''] : [''];
  assert.deepEqual(rest, empty, 'there is a body');
}

export const campfire = (more: { user?: number; plain?: string; key?: string | null } = {}) => ({
  user: { id: more.user ?? 2, name: 'Ana' },
  room: {
    id: 1,
    name: null,
    ...(more.key !== null && { path: `/rooms/1/${more.key ?? KEYS.ann}/messages` }),
  },
  message: { id: 9, body: { html: '<div>hi</div>', plain: more.plain ?? 'hi' }, path: '/rooms/1/@9' },
});
export const flat = { creator: { id: 1, name: 'Ann' }, room: { id: 1, name: 'HQ' }, content: 'hi' };
