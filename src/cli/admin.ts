import { variable } from '../config/settings.ts';
import { systemClock as clock } from '../lib/clock.ts';
import { messageOf, OperatorError } from '../lib/errors.ts';

/** The HTTP API of a running service, as the command line uses it. Every failure is an OperatorError with a remedy. */
export interface Admin {
  url: string;
  get<T>(path: string): Promise<T>;
  delete(path: string): Promise<void>;
}

const answerWithinMs = 10_000;

/** `url` defaults to this machine and PORT; the token is ADMIN_TOKEN's. */
export function createAdmin(url = `http://127.0.0.1:${variable('PORT') ?? '8000'}`): Admin {
  const call = async (method: string, path: string): Promise<Response> => {
    const token = variable('ADMIN_TOKEN');
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await fetch(new URL(path, url), {
      method,
      headers,
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
    throw new OperatorError(
      'service_refused',
      `${method} ${path}: ${await problemIn(response)}`,
      response.status === 404 && token !== undefined
        ? 'Look at what there is with `sessions list`. Without an ADMIN_TOKEN of its own the service has no API.'
        : 'Its log says more.',
    );
  };
  return {
    url,
    get: async <T>(path: string) => (await (await call('GET', path)).json()) as T,
    delete: async (path) => void (await call('DELETE', path)),
  };
}

async function problemIn(response: Response): Promise<string> {
  try {
    const { error } = (await response.json()) as { error?: unknown };
    if (typeof error === 'string') return error;
  } catch {
    // Whoever answered is not our API.
  }
  return `${response.status} ${response.statusText}`;
}
