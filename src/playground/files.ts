import { randomUUID } from 'node:crypto';

/**
 * The bytes of attachments, in memory and bounded: when `maxBytes` are exceeded the oldest go, so that a demo
 * that runs for weeks does not grow for ever. Their messages stay, with a link that answers 404.
 */
export class FileStore {
  readonly #files = new Map<string, { bytes: Uint8Array; name: string; type: string }>();
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Keeps a file (unless it is larger than the whole store) and returns its id. */
  put(name: string, type: string, bytes: Uint8Array): string {
    const id = randomUUID();
    this.#files.set(id, { bytes, name, type });
    this.#bytes += bytes.byteLength;
    for (const oldest of this.#files.keys()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.delete(oldest);
    }
    return id;
  }

  get(id: string): { bytes: Uint8Array; name: string; type: string } | undefined {
    return this.#files.get(id);
  }

  delete(id: string): void {
    this.#bytes -= this.#files.get(id)?.bytes.byteLength ?? 0;
    this.#files.delete(id);
  }
}
