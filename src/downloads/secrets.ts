/** A shorter one stands in many files by chance. */
const secretMinCharacters = 8;

/** Thrown out of `withoutSecrets`. */
export class SecretFoundError extends Error {
  override readonly name = 'SecretFoundError';
}

/** Whether one stands in what people will read, however short it is. */
export function holdsSecret(words: string, secrets: Iterable<string>): boolean {
  return Iterator.from(secrets).some((secret) => words.includes(secret));
}

/**
 * The chunks, unchanged, as long as none of the secrets stands in them, not even across two chunks.
 * @throws SecretFoundError before the chunk that completes one is passed on.
 */
export async function* withoutSecrets(
  chunks: AsyncIterable<Uint8Array>,
  secrets: Iterable<string>,
): AsyncGenerator<Uint8Array> {
  const needles = [...secrets]
    .filter((secret) => secret.length >= secretMinCharacters)
    .map((secret) => Buffer.from(secret));
  const overlap = Math.max(0, ...needles.map(({ length }) => length - 1));
  let before = Buffer.alloc(0);
  for await (const chunk of chunks) {
    const seen = Buffer.concat([before, chunk]);
    if (needles.some((needle) => seen.includes(needle))) {
      throw new SecretFoundError('The file holds a secret of this service.');
    }
    before = overlap === 0 ? before : seen.subarray(-overlap);
    yield chunk;
  }
}
