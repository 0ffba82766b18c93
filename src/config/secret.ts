import { hash, timingSafeEqual } from 'node:crypto';

/** What is kept of a secret in order to recognise it. */
export type SecretDigest = Buffer;

/** The digest of a secret. All digests have the same length, as a comparison in constant time needs. */
export function digestOf(secret: string): SecretDigest {
  return hash('sha256', secret, 'buffer');
}

/** Whether `given` is the secret, in a time that tells nothing about how much of it is right. */
export function isSecret(given: string, secret: SecretDigest): boolean {
  return timingSafeEqual(digestOf(given), secret);
}
