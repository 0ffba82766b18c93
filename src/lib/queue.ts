/** Values handed over one at a time to a single reader, in the order in which they were pushed. */
export class AsyncQueue<T> implements AsyncIterable<T> {
  readonly #waiting: T[] = [];
  #ended = false;
  #wake: (() => void) | null = null;

  push(value: T): void {
    this.#waiting.push(value);
    this.#wake?.();
  }

  /** The reader gets what was pushed before, then its iteration ends. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      if (this.#waiting.length > 0) {
        yield this.#waiting.shift() as T;
      } else if (this.#ended) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}
