import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { type CampfireClient, createCampfireClient } from '../../src/campfire/client.ts';
import { systemClock } from '../../src/lib/clock.ts';

export const KEY = '5-hunter2hunt';
export const ROOM = 7;

interface Seen {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: string;
}

export const campfire = { 'X-Version': '1.5.0' };
export const json = { ...campfire, 'Content-Type': 'application/json; charset=utf-8' };

/** A server that answers every request the same, a client of it, and what the server saw. */
export async function serve(
  t: TestContext,
  answer: Answer | ((seen: Seen, response: ServerResponse) => void),
) {
  const seen: Seen[] = [];
  const sockets = new Set<Socket>();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const one = { method: request.method ?? '', url: request.url ?? '', headers: request.headers };
    seen.push({ ...one, body: Buffer.concat(chunks) });
    if (typeof answer === 'function') return answer(seen[seen.length - 1] as Seen, response);
    response.writeHead(answer.status, answer.headers ?? {}).end(answer.body);
  });
  server.on('connection', (socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  assert(typeof address === 'object' && address);
  return { ...client(`http://127.0.0.1:${address.port}`), seen, sockets };
}

export function client(baseUrl: string, timeoutMs = 5000): { api: CampfireClient } {
  return { api: createCampfireClient({ baseUrl, version: '1.2.3', clock: systemClock, timeoutMs }) };
}

/** A TCP server that treats a connection as told, for what HTTP servers do not do on purpose. */
export async function serveRaw(t: TestContext, treat: (socket: Socket, count: number) => void) {
  let count = 0;
  const server = createTcpServer((socket) => {
    socket.on('error', () => {});
    treat(socket, ++count);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const address = server.address();
  assert(typeof address === 'object' && address);
  return { baseUrl: `http://127.0.0.1:${address.port}`, connections: () => count };
}
