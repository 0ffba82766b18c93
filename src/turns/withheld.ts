/** What must not be posted: text that holds a secret, or, while it is still being written, the beginning of one. */

export function holdsSecret(text: string, secrets: ReadonlySet<string>): boolean {
  return secrets.values().some((secret) => text.includes(secret));
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
