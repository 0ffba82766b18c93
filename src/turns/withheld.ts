import { basename } from 'node:path';
import { readBody } from '../campfire/html/read.ts';
import { holdsSecret } from '../downloads/secrets.ts';
import type { OutboxDraft } from '../mail/mail.ts';
import { readFile } from './content.ts';
import type { ToolStep } from './steps.ts';

/** What must not be posted: text that holds a secret, or, while it is still being written, the beginning of one. */

const shownNameMax = 80;

/**
 * As the room would read it: names of files count, and markup within a secret does not hide it. Of a body that is too
 * much to be read, everything counts.
 */
export function showsSecret({ kind, body }: OutboxDraft, secrets: ReadonlySet<string>): boolean {
  return holdsSecret(kind === 'file' ? readFile(body).filename : readBody(body, body), secrets);
}

/** A step as it may be told: of a file its name, and nothing that the agent made of a secret. */
export function tellableStep({ kind, name, target }: ToolStep, secrets: ReadonlySet<string>): ToolStep {
  const isTold = target !== null && !holdsSecret(target, secrets);
  return {
    kind,
    name: holdsSecret(name, secrets) ? 'tool' : name,
    target: isTold ? basename(target).slice(0, shownNameMax) : null,
  };
}

/** `text` without an ending that may become a secret; null when it holds one. */
export function withoutSecretTail(text: string, secrets: ReadonlySet<string>): string | null {
  if (holdsSecret(text, secrets)) return null;
  let end = text.length;
  for (const secret of secrets) {
    for (let length = Math.min(secret.length, text.length); length > 0; length--) {
      if (text.length - length < end && text.endsWith(secret.slice(0, length))) {
        end = text.length - length;
        break;
      }
    }
  }
  return text.slice(0, end);
}
