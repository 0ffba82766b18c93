import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { promisify } from 'node:util';
import { unzip } from 'node:zlib';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { WebhookResponse } from './verdict.ts';

/** Not Campfire's: it reads without limit. Ours must not let one answer fill the memory of a demo. */
const responseBytesMax = 64 * 1024 * 1024;

export type Exchange =
  | { kind: 'answered'; response: WebhookResponse }
  /** Net::OpenTimeout or Net::ReadTimeout. */
  | { kind: 'timeout' }
  /** Refused, reset, closed early, TLS refused, not HTTP: any other error of the exchange. */
  | { kind: 'broken'; cause: string };

export interface PostOptions {
  clock: Clock;
  /** For the connection, and anew for every read: a slow trickle of bytes may take for ever. */
  timeoutMs: number;
  /** Breaks the exchange off; it ends as `broken`. */
  signal: AbortSignal;
}

/**
 * One POST as Ruby's Net::HTTP makes it for Campfire: its headers in its order, no redirect followed, no retry,
 * no credentials from the URL, certificates verified. Never throws.
 */
export async function postLikeRuby(url: string, json: string, options: PostOptions): Promise<Exchange> {
  try {
    return await exchange(new URL(url), Buffer.from(json), options);
  } catch (error) {
    return { kind: 'broken', cause: messageOf(error) };
  }
}

function exchange(url: URL, body: Buffer, { clock, timeoutMs, signal }: PostOptions): Promise<Exchange> {
  return new Promise((resolve) => {
    const request = open(url, body, signal);
    const finish = (exchange: Exchange) => {
      stopTimer();
      resolve(exchange);
      request.destroy();
    };
    const startTimer = () => clock.after(timeoutMs, () => finish({ kind: 'timeout' }));
    let stopTimer = startTimer();
    const restartTimer = () => {
      stopTimer();
      stopTimer = startTimer();
    };
    const broken = (error: Error) => finish({ kind: 'broken', cause: error.message });

    request.on('socket', (socket) => {
      socket.once('connect', restartTimer);
      socket.once('secureConnect', restartTimer);
      // Counted on the socket and not on the body, because Ruby's limit holds for each read, headers included.
      socket.on('data', restartTimer);
    });
    request.on('error', broken);
    request.on('response', (response) => {
      read(response).then((answer) => finish({ kind: 'answered', response: answer }), broken);
    });
    request.end(body);
  });
}

function open(url: URL, body: Buffer, signal: AbortSignal): ClientRequest {
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return send({
    method: 'POST',
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port,
    path: `${url.pathname}${url.search}`,
    agent: false,
    signal,
    headers: [
      ['Content-Type', 'application/json'],
      ['Accept-Encoding', 'gzip;q=1.0,deflate;q=0.6,identity;q=0.3'],
      ['Accept', '*/*'],
      ['User-Agent', 'Ruby'],
      ['Host', url.host],
      ['Connection', 'close'],
      ['Content-Length', String(body.byteLength)],
    ].flat(),
  });
}

async function read(response: IncomingMessage): Promise<WebhookResponse> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > responseBytesMax) throw new RangeError('The answer is larger than the playground takes');
    chunks.push(chunk);
  }
  const encoding = response.headers['content-encoding'] ?? '';
  const raw = Buffer.concat(chunks);
  return {
    status: response.statusCode ?? 0,
    contentType: response.headersDistinct['content-type']?.join(', ') ?? null,
    body: /^(?:x-)?gzip$|^deflate$/i.test(encoding) ? await decompress(raw) : raw,
  };
}

function decompress(bytes: Buffer): Promise<Buffer> {
  return promisify<Buffer, object, Buffer>(unzip)(bytes, { maxOutputLength: responseBytesMax });
}
