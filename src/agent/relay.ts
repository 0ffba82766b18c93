import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { digestOf } from '../config/secret.ts';
import type { Emit } from '../telemetry/events.ts';
import { answerWithError, createUpstream } from './upstream.ts';

/**
 * Between agents and the Claude API, so that no agent holds the operator's key: an agent gets an address on this machine
 * and a token of its own, and here the token is exchanged for the key.
 *
 * Invariants:
 * 1. A token opens the API from the moment it is given out until it is revoked; then what was under way with it is cut off.
 * 2. Only calls that `claude` makes are passed on, by their very spelling: nothing is decoded or resolved.
 * 3. Bodies are passed on as they come, both ways, at the pace of the slower side; whoever hangs up ends both halves.
 */

/** What a credential is to `claude`; it sends a key and a token of a subscription in different headers. */
export interface Credentials {
  apiKey: string | undefined;
  oauthToken: string | undefined;
}

/** An agent's way to the Claude API. */
export interface Access {
  /** What the agent needs of it in its environment. */
  environment: Readonly<Record<string, string>>;
  /** Ends it. Calling it twice does nothing. */
  revoke(): void;
}

export interface Relay {
  /** A way for one agent. */
  admit(): Access;
  /** Takes no more calls and cuts off those under way. */
  close(): Promise<void>;
}

export interface RelayParts {
  credentials: Credentials;
  /** Where the API is; `https://api.anthropic.com` or a gateway, which may have a path. */
  upstreamUrl: string;
  /** The operator's proxy settings, as environment variables. */
  proxies: Readonly<Record<string, string>>;
  /** Strings that must never leave; tokens are among them while they are valid. */
  secrets: Set<string>;
  emit: Emit;
}

const routes: ReadonlyArray<{ method: string; path: RegExp }> = [
  { method: 'POST', path: /^\/v1\/messages(?:\/count_tokens)?(?:\?[\w=&.-]*)?$/ },
  { method: 'GET', path: /^\/v1\/models(?:\/[A-Za-z0-9][\w.:-]*)?(?:\?[\w=&.-]*)?$/ },
];

const host = '127.0.0.1';

/** Listens on a free port of this machine's own address; resolves once calls are taken. */
export async function startRelay(parts: RelayParts): Promise<Relay> {
  const { credentials, secrets, emit } = parts;
  const upstream = createUpstream(parts.upstreamUrl, parts.proxies, emit);
  /** By the digest of their token, so that a look-up tells nothing about how much of one is right. */
  const underWay = new Map<string, Set<ServerResponse>>();

  const server = createServer((request, response) => {
    const calls = underWay.get(digestOf(tokenIn(request)).toString('hex'));
    const key = keyFor(request, credentials);
    if (!calls || !key) return refuse(response, 401, 'authentication_error', 'This token is not valid.');
    if (!routes.some(({ method, path }) => method === request.method && path.test(request.url ?? '')))
      return refuse(response, 404, 'not_found_error', 'Only what claude calls is passed on.');
    calls.add(response);
    response.once('close', () => calls.delete(response));
    upstream.forward(request, response, key);
  });
  const refuse = (response: ServerResponse, status: number, type: string, message: string) => {
    emit({ type: 'relay.refused', status });
    answerWithError(response, status, type, message);
  };
  // An idle connection costs nothing here; one that ends just as a call begins costs the agent a retry.
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, host, resolve);
  });
  // It serves agents, and they do not outlive the service: it alone must not keep the process alive.
  server.unref();
  const { port } = server.address() as { port: number };

  return {
    admit() {
      const token = `sk-ant-relay-${randomBytes(32).toString('base64url')}`;
      const name = digestOf(token).toString('hex');
      const calls = new Set<ServerResponse>();
      underWay.set(name, calls);
      secrets.add(token);
      return {
        environment: environmentFor(token, credentials, `http://${host}:${port}`, parts.proxies),
        revoke() {
          underWay.delete(name);
          secrets.delete(token);
          for (const call of calls) call.destroy();
        },
      };
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
        upstream.close();
      }),
  };
}

/** The same kinds of credential as the operator gave: `claude` decides between them as it always does. */
function environmentFor(
  token: string,
  { apiKey, oauthToken }: Credentials,
  url: string,
  proxies: Readonly<Record<string, string>>,
): Record<string, string> {
  // `claude` would take the operator's proxy also to this machine's own address.
  const exempt = ['NO_PROXY', 'no_proxy'].map((name) => {
    const given = proxies[name] ?? proxies.NO_PROXY ?? proxies.no_proxy;
    return [name, given === undefined ? host : `${given},${host}`];
  });
  return {
    ANTHROPIC_BASE_URL: url,
    ...(apiKey === undefined ? {} : { ANTHROPIC_API_KEY: token }),
    ...(oauthToken === undefined ? {} : { CLAUDE_CODE_OAUTH_TOKEN: token }),
    ...Object.fromEntries(exempt),
  };
}

function tokenIn({ headers }: IncomingMessage): string {
  const key = headers['x-api-key'];
  return typeof key === 'string' ? key : (headers.authorization?.replace(/^Bearer /i, '') ?? '');
}

/** The header that takes the place of the one with the token; null without a credential of its kind. */
function keyFor(
  { headers }: IncomingMessage,
  { apiKey, oauthToken }: Credentials,
): Record<string, string> | null {
  if (headers['x-api-key'] !== undefined) return apiKey === undefined ? null : { 'x-api-key': apiKey };
  return oauthToken === undefined ? null : { authorization: `Bearer ${oauthToken}` };
}
