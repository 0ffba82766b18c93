import { variable } from '../config/settings.ts';
import { systemClock as clock } from '../lib/clock.ts';
import { messageOf, OperatorError } from '../lib/errors.ts';

/** The HTTP API of a running service, as the command line uses it. Every failure is an OperatorError with a remedy. */
export interface Admin {
  url: string;
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body: unknown): Promise<T>;
  delete(path: string): Promise<void>;
}

const answerWithinMs = 10_000;

/** Where a service of this machine listens. */
export function localUrl(): string {
  return `http://127.0.0.1:${variable('PORT') ?? '8000'}`;
}

/** The token is ADMIN_TOKEN's. */
export function createAdmin(url = localUrl()): Admin {
  const call = async (method: string, path: string, body?: unknown): Promise<Response> => {
    const token = variable('ADMIN_TOKEN');
    const response = await fetch(new URL(path, url), {
      ...{ method, body: body === undefined ? null : JSON.stringify(body) },
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      signal: clock.timeout(answerWithinMs),
    }).catch((error: unknown) => {
      throw new OperatorError(
        'service_unreachable',
        `No service answers at ${url} (${messageOf(error instanceof Error ? (error.cause ?? error) : error)}).`,
        'Start it, or name its address with --url.',
      );
    });
    if (response.ok) return response;
    if (response.status === 401) {
      throw new OperatorError(
        'token_refused',
        token === undefined
          ? 'The service asks for its ADMIN_TOKEN.'
          : 'The service refuses this ADMIN_TOKEN.',
        'Set ADMIN_TOKEN to the one that the service was started with.',
      );
    }
    const { problem, remedy } = await problemIn(response);
    const usual = response.status === 404 ? notFound(token) : 'Its log says more.';
    throw new OperatorError('service_refused', `${method} ${path}: ${problem}`, remedy ?? usual);
  };
  return {
    url,
    get: async <T>(path: string) => (await (await call('GET', path)).json()) as T,
    post: async <T>(path: string, body: unknown) => (await (await call('POST', path, body)).json()) as T,
    delete: async (path) => void (await call('DELETE', path)),
  };
}

/** A service that has an API tells who comes without a token, or with a wrong one, something else. */
function notFound(token: string | undefined): string {
  return token === undefined
    ? 'Without an ADMIN_TOKEN of its own the service has no API: start it with one, and set the same here.'
    : 'Look at what there is with `sessions list`. Without an ADMIN_TOKEN of its own the service has no API.';
}

async function problemIn(response: Response): Promise<{ problem: string; remedy: string | null }> {
  try {
    const { error, remedy } = (await response.json()) as { error?: unknown; remedy?: unknown };
    if (typeof error === 'string')
      return { problem: error, remedy: typeof remedy === 'string' ? remedy : null };
  } catch {
    // Whoever answered is not our API.
  }
  return { problem: `${response.status} ${response.statusText}`, remedy: null };
}
