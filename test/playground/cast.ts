import { request } from 'node:http';
import { test } from 'node:test';
import { systemClock } from '../../src/lib/clock.ts';
import type { PlaygroundEvent } from '../../src/playground/events.ts';
import { type Face, faces, type Message } from '../../src/playground/records.ts';
import { type PlaygroundOptions, type Simulator, startSimulator } from '../../src/playground/simulator.ts';

/** The people, bots and rooms of every test here. */
export const ann = 1;
export const ben = 2;
export const assistant = 5;
export const helper = 6;
export const keys = { assistant: '5-abcDEF123456', helper: '6-XYZxyz987654' };

/** Open: everybody is in it. */
export const hq = 1;
/** Closed: Ann and Assistant. */
export const lab = 2;
/** Direct: Ann and Assistant. */
export const direct = 3;
/** Direct: Ann, Assistant and Helper. */
export const trio = 4;
/** Closed: Ann and Ben, no bot. */
export const peopleOnly = 9;

export interface Cast extends Simulator, AsyncDisposable {
  /** Sends one request to the bot API and waits for the whole answer. */
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  /** Bodies (or file names) of a room's messages, oldest first. */
  seenIn(roomId: number): string[];
  /** The next event that fits; subscribed at once. */
  next<T extends PlaygroundEvent['type']>(type: T): Promise<Extract<PlaygroundEvent, { type: T }>>;
  mention(userId: number): string;
  postHtml(userId: number, roomId: number, html: string): Message;
}

/** Registers a case for each Campfire: the rule that it proves is the same in both. */
export function onBothFaces(title: string, run: (face: Face) => Promise<void>): void {
  for (const face of faces) test(`${title} (${face})`, () => run(face));
}

export interface CallOptions {
  body?: string | Uint8Array;
  headers?: Record<string, string>;
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

export interface CastOptions extends Partial<PlaygroundOptions> {
  face?: Face;
  webhookUrls?: { assistant?: string; helper?: string };
}

export async function startCast({ webhookUrls = {}, ...options }: CastOptions = {}): Promise<Cast> {
  const simulator = await startSimulator({
    clock: systemClock,
    face: 'full',
    people: [
      { id: ann, name: 'Ann', role: 'administrator' },
      { id: ben, name: 'Ben', role: 'member' },
    ],
    bots: [
      { id: assistant, name: 'Bot', key: keys.assistant, webhookUrl: webhookUrls.assistant ?? null },
      { id: helper, name: 'Bot2', key: keys.helper, webhookUrl: webhookUrls.helper ?? null },
    ],
    rooms: [
      { id: hq, name: 'HQ', kind: 'open' },
      { id: lab, name: 'Lab', kind: 'closed', members: [ann, assistant] },
      { id: direct, name: null, kind: 'direct', members: [ann, assistant] },
      { id: trio, name: null, kind: 'direct', members: [ann, assistant, helper] },
      { id: peopleOnly, name: 'People', kind: 'closed', members: [ann, ben] },
    ],
    ...options,
  });
  const { campfire, events } = simulator;
  return {
    ...simulator,
    call: (method, path, callOptions) => call(simulator.url, method, path, callOptions),
    seenIn: (roomId) =>
      campfire.messagesIn(roomId).map(({ html, attachment }) => html ?? attachment?.name ?? ''),
    next: (type) =>
      new Promise((resolve) => {
        const stop = events.subscribe((event) => {
          if (!isOfType(event, type)) return;
          stop();
          resolve(event);
        });
      }),
    mention: (userId) => {
      const user = campfire.user(userId);
      if (!user) throw new Error(`There is no user ${userId}`);
      return campfire.mentions.html(user);
    },
    postHtml: (userId, roomId, html) => campfire.post(userId, roomId, { html }),
    [Symbol.asyncDispose]: simulator.close,
  };
}

/** Plain HTTP without a client's conveniences: no default headers, no redirects followed. */
export function call(
  origin: string,
  method: string,
  path: string,
  options: CallOptions = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(`${origin}${path}`, { method, agent: false, headers: options.headers ?? {} });
    outgoing.on('error', reject);
    outgoing.on('response', async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
      const { statusCode: status = 0, headers } = response;
      resolve({ status, headers, body: Buffer.concat(chunks).toString('utf8') });
    });
    outgoing.end(options.body);
  });
}

/** `POST messages` of Assistant. */
export function messagesPath(roomId: number, key = keys.assistant): string {
  return `/rooms/${roomId}/${key}/messages`;
}

/** A multipart body with one part. */
export function multipart(field: string, content: string, filename?: string): CallOptions {
  const name = filename === undefined ? '' : `; filename="${filename}"`;
  const type = filename === undefined ? '' : 'Content-Type: text/csv\r\n';
  return {
    body: `--edge\r\nContent-Disposition: form-data; name="${field}"${name}\r\n${type}\r\n${content}\r\n--edge--\r\n`,
    headers: { 'content-type': 'multipart/form-data; boundary=edge' },
  };
}

function isOfType<T extends PlaygroundEvent['type']>(
  event: PlaygroundEvent,
  type: T,
): event is Extract<PlaygroundEvent, { type: T }> {
  return event.type === type;
}
