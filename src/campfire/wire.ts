import { type IncomingMessage, request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { pipeline } from 'node:stream/promises';

/**
 * One HTTP request on a connection of its own. Not `fetch`, for two reasons: it hides whether a request that failed
 * had left at all, and it keeps connections, also ready-made ones for later, on which that could not be known.
 */
export interface Outgoing {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Text goes out in one piece with the headers, a blob is streamed. */
  readonly body: string | Blob | null;
  /** Aborting it ends the exchange, the reading of the answer included. */
  readonly signal: AbortSignal;
  /** Asked when the connection stands, right before the first byte, and before each chunk of a blob: false, and no more is sent. */
  readonly mayBeSent?: MayBeSent | undefined;
}

/** The last word on whether a request goes out, after everything that takes time. Must not wait. */
export type MayBeSent = () => boolean;

export interface Answer {
  readonly kind: 'answer';
  readonly status: number;
  header(name: string): string | undefined;
  /** The body; null when it is longer than `maxBytes`. Rejects when the connection breaks off. */
  text(maxBytes: number): Promise<string | null>;
  /** Ends the connection, whatever is still to come. Call it always. */
  discard(): void;
}

/** No answer. */
export interface Broken {
  readonly kind: 'broken';
  /** Whether a connection stood (with TLS: to a trusted host), so that the request may have been received. */
  readonly sent: boolean;
  /** An error code such as `ECONNREFUSED`, or `timeout`; never a message, which may quote the address. */
  readonly cause: string;
}

/** `mayBeSent` said no: nothing was sent, or a blob without its end, which is no request to whoever receives it. */
export interface Withheld {
  readonly kind: 'withheld';
}

/** Sends a request and waits for the head of the answer. Follows no redirect, sends nothing twice, never rejects. */
export function exchange({
  url,
  method,
  headers,
  body,
  signal,
  mayBeSent = () => true,
}: Outgoing): Promise<Answer | Broken | Withheld> {
  return new Promise((resolve) => {
    const secure = url.startsWith('https:');
    let sent = false;
    const send = secure ? tlsRequest : plainRequest;
    const length = body === null ? {} : { 'content-length': String(lengthOf(body)) };
    const outgoing = send(url, { method, headers: { ...headers, ...length }, agent: false, signal });
    const endIfWithheld = () => {
      if (mayBeSent()) return false;
      resolve({ kind: 'withheld' });
      outgoing.destroy();
      return true;
    };
    outgoing.on('socket', (socket) => {
      socket.once(secure ? 'secureConnect' : 'connect', () => {
        if (endIfWithheld()) return;
        sent = true;
        // What fails here destroys the request, whose error is handled below.
        if (body instanceof Blob) pipeline(chunksOf(body, endIfWithheld), outgoing).catch(() => {});
        else outgoing.end(body ?? undefined);
      });
    });
    outgoing.on('response', (incoming) => resolve(answerOf(incoming)));
    // Stays on after the answer: an upload that is answered early breaks later.
    outgoing.on('error', (error) => {
      resolve({ kind: 'broken', sent, cause: signal.aborted ? 'timeout' : codeOf(error) });
    });
  });
}

async function* chunksOf(body: Blob, endIfWithheld: () => boolean): AsyncGenerator<Uint8Array> {
  for await (const chunk of body.stream()) {
    if (endIfWithheld()) return;
    yield chunk;
  }
}

function lengthOf(body: string | Blob): number {
  return typeof body === 'string' ? Buffer.byteLength(body) : body.size;
}

function answerOf(incoming: IncomingMessage): Answer {
  // The other side may break off while nobody reads.
  incoming.on('error', () => {});
  return {
    kind: 'answer',
    status: incoming.statusCode ?? 0,
    header: (name) => incoming.headers[name]?.toString(),
    async text(maxBytes) {
      const chunks: Buffer[] = [];
      let size = 0;
      for await (const chunk of incoming as AsyncIterable<Buffer>) {
        size += chunk.length;
        if (size > maxBytes) return null;
        chunks.push(chunk);
      }
      return Buffer.concat(chunks, size).toString();
    },
    discard: () => incoming.destroy(),
  };
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
