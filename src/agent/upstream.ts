import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import { pipeline } from 'node:stream';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { messageOf } from '../lib/errors.ts';
import type { Emit } from '../telemetry/events.ts';

/** The Claude API, or a gateway in its place, as the relay calls it. */
export interface Upstream {
  /**
   * Passes a call on with `key` in place of whatever it came with, and the answer back. An API that cannot be reached
   * is answered with a 502, which `claude` tries again as it does without a network.
   */
  forward(request: IncomingMessage, response: ServerResponse, key: Readonly<Record<string, string>>): void;
  close(): void;
}

/** Headers of one connection (RFC 9110, 7.6.1), and those that are made anew for the next one. */
const notPassedOn = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
  ...['proxy-authenticate', 'proxy-authorization', 'host', 'expect', 'x-api-key', 'authorization'],
]);

/** What OpenSSL says of a certificate that nobody known has signed. */
const unknownSigner: ReadonlySet<string | undefined> = new Set([
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
]);

/** @param proxies The operator's proxy settings, as environment variables. */
export function createUpstream(
  baseUrl: string,
  proxies: Readonly<Record<string, string>>,
  emit: Emit,
): Upstream {
  const isSecure = baseUrl.startsWith('https:');
  const { request: call } = isSecure ? https : http;
  const agentWith = (secureContext: SecureContext | null) => {
    const options = { keepAlive: true, maxFreeSockets: 16, proxyEnv: { ...proxies } };
    if (!isSecure) return new http.Agent(options);
    return new https.Agent(secureContext ? { ...options, secureContext } : options);
  };
  let agent = agentWith(null);
  let trustsMachine = false;
  // Behind a company's proxy only the machine's own store knows who signed. Reading it takes 0.1 s and 3 MB, which
  // nobody else should pay; the call that found out is tried again by `claude`.
  const trustMachine = () => {
    if (trustsMachine) return;
    trustsMachine = true;
    const ca = [...new Set([...getCACertificates('default'), ...getCACertificates('system')])];
    // The old one runs dry: answers of others are still on their way over it.
    agent = agentWith(createSecureContext({ ca }));
  };

  return {
    forward(request, response, key) {
      const { method, url = '/' } = request;
      const headers = { ...passedOn(request.headers), ...key };
      const onward = call(`${baseUrl}${url}`, { method, headers, agent });
      onward.once('response', (answer) => {
        emit({ type: 'claude.called', status: answer.statusCode ?? null });
        response.writeHead(answer.statusCode ?? 502, passedOn(answer.headers));
        // Events must not wait for the first words behind them.
        response.flushHeaders();
        // Whichever side fails, the other one is ended.
        pipeline(answer, response, () => {});
      });
      onward.on('error', (error: NodeJS.ErrnoException) => {
        request.unpipe(onward);
        request.resume();
        // The agent itself has hung up, or the answer has begun and its own end tells.
        if (response.headersSent || response.destroyed) return;
        if (unknownSigner.has(error.code)) trustMachine();
        emit({ type: 'claude.called', status: null });
        emit({ type: 'claude.unreachable', problem: messageOf(error) });
        answerWithError(response, 502, 'api_error', `Claude cannot be reached: ${messageOf(error)}`);
      });
      response.once('close', () => {
        if (!response.writableFinished) onward.destroy();
      });
      request.pipe(onward);
    },
    close: () => agent.destroy(),
  };
}

/** An error of the relay's own, in the API's shape. */
export function answerWithError(
  response: ServerResponse,
  status: number,
  type: string,
  message: string,
): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ type: 'error', error: { type, message } }));
}

function passedOn(headers: IncomingMessage['headers']): Record<string, string | string[]> {
  const named = new Set((headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase()));
  return Object.fromEntries(
    Object.entries(headers).filter(
      (entry): entry is [string, string | string[]] =>
        entry[1] !== undefined && !notPassedOn.has(entry[0]) && !named.has(entry[0]),
    ),
  );
}
