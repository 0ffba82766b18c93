import { hash, randomBytes } from 'node:crypto';
import { type IncomingMessage, get as plainGet } from 'node:http';
import { get as tlsGet } from 'node:https';
import type { Clock } from '../lib/clock.ts';

/** Whether PUBLIC_URL leads to this service: links are made of it, and nobody notices a wrong one before people do. */

export const checkPath = '/files/check';

/** Longer than any answer to a challenge. */
const answerMaxBytes = 200;
const timeoutMs = 10_000;

export type PublicUrlCheck =
  | { kind: 'ok'; url: string }
  | { kind: 'unset' }
  /** `cause` is an error code or an HTTP status. */
  | { kind: 'unreachable' | 'elsewhere'; url: string; cause: string }
  | { kind: 'redirected'; url: string; to: string };

/** What the service of this data folder, and no other, answers to a challenge. */
export function proofFor(instance: string, challenge: string): string {
  return hash('sha256', `public-url ${instance} ${challenge}`, 'hex');
}

/** Asks through PUBLIC_URL for a path that nobody can guess, and looks who answers. Never rejects. */
export async function checkPublicUrl(
  publicUrl: string | null,
  instance: string,
  clock: Clock,
): Promise<PublicUrlCheck> {
  if (publicUrl === null) return { kind: 'unset' };
  const challenge = randomBytes(16).toString('hex');
  const url = publicUrl;
  try {
    const { status, location, text } = await getText(
      `${publicUrl}${checkPath}/${challenge}`,
      clock.timeout(timeoutMs),
    );
    if (text === proofFor(instance, challenge)) return { kind: 'ok', url };
    const target = location === undefined ? null : URL.parse(location, publicUrl);
    if (status >= 300 && status < 400 && target) return { kind: 'redirected', url, to: target.origin };
    return { kind: 'elsewhere', url, cause: `HTTP ${status}` };
  } catch (error) {
    const { code, name } = error as NodeJS.ErrnoException;
    return { kind: 'unreachable', url, cause: code ?? name };
  }
}

/** What is wrong and what mends it; null when nothing is. */
export function describePublicUrl(check: PublicUrlCheck): { problem: string; remedy: string } | null {
  switch (check.kind) {
    case 'ok':
      return null;
    case 'unset':
      return {
        problem: 'PUBLIC_URL is not set, so there are no links to files: bots post them as attachments.',
        remedy: 'Set PUBLIC_URL to the address at which people’s browsers reach this service.',
      };
    case 'redirected':
      return {
        problem: `PUBLIC_URL ${check.url} redirects to ${check.to}.`,
        remedy: `Set PUBLIC_URL to the address that answers itself, beginning with ${check.to}.`,
      };
    case 'elsewhere':
      return {
        problem: `PUBLIC_URL ${check.url} does not lead to this service (${check.cause}).`,
        remedy:
          'Let the reverse proxy pass everything below this address on to the service, without its path prefix, or correct PUBLIC_URL.',
      };
    case 'unreachable':
      return {
        problem: `PUBLIC_URL ${check.url} cannot be reached from here (${check.cause}).`,
        remedy:
          'Check the address, DNS and the reverse proxy. If only this machine cannot reach it, links work all the same.',
      };
  }
}

/** Not `fetch`, which costs some megabytes of memory once it is used. */
function getText(
  url: string,
  signal: AbortSignal,
): Promise<{ status: number; location: string | undefined; text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{
    status: number;
    location: string | undefined;
    text: string;
  }>();
  const get = url.startsWith('https:') ? tlsGet : plainGet;
  const hear = async (incoming: IncomingMessage) => {
    let text = '';
    for await (const chunk of incoming.setEncoding('utf8')) {
      text += chunk;
      if (text.length > answerMaxBytes) break;
    }
    resolve({ status: incoming.statusCode ?? 0, location: incoming.headers.location, text });
  };
  get(url, { signal, agent: false }, (incoming) => void hear(incoming).catch(reject)).on('error', reject);
  return promise;
}
