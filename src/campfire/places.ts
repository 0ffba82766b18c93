/** A few places for whoever needs one, given away in the order in which they were asked for. */
export class Places {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /** One that is not taken yet; what was taken is given back when it is disposed of. */
  place(): Place {
    let taken: Promise<void> | null = null;
    return {
      take: () => {
        taken ??= this.#take();
        return taken;
      },
      [Symbol.dispose]: () => {
        if (taken !== null) this.#giveBack();
      },
    };
  }

  async #take(): Promise<void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #giveBack(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free++;
  }
}

export interface Place extends Disposable {
  /** Resolves when this place is one's own; asked again, that is so already. */
  take(): Promise<void>;
}
