import type { Cancel, Clock } from '../lib/clock.ts';
import type { ConsoleSnapshot, ConsoleSource } from './source.ts';
import { type Change, changesBetween, drawFrame, type Frame } from './views/frame.ts';

/**
 * What open pages are told: the differences, drawn once for all of them.
 *
 * Invariants:
 * 1. A page that has the frame of a version and gets every change after it shows the present frame.
 * 2. While nobody looks nothing is drawn, and soon nothing is kept.
 */

/** One message to a page. `whole` when it holds everything, and not only what is new. */
interface Message extends Change {
  version: string;
  whole?: true;
  /** Rows of samples, oldest first. */
  samples?: number[][];
}

interface Shown {
  version: string;
  snapshot: ConsoleSnapshot;
  frame: Frame;
  nextSample: number;
}

/** At most one drawing in this time: a storm of facts costs as much as a few. */
const periodMs = 1_000;
/** So long a page has to connect after it was loaded. */
const keptMs = 30_000;

export class Feed {
  readonly #source: ConsoleSource;
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;
  readonly #readers = new Set<(message: string) => void>();
  /** Makes versions of another life of the service others. */
  readonly #life: number;
  #version = 0;
  #shown: Shown | null = null;
  #drawing: Promise<Shown> | null = null;
  #due: Cancel | null = null;
  #forget: Cancel | null = null;
  #unsubscribe: (() => void) | null = null;

  constructor(source: ConsoleSource, clock: Clock, onError: (error: unknown) => void) {
    this.#source = source;
    this.#clock = clock;
    this.#onError = onError;
    this.#life = clock.now();
  }

  /** Everything as it is now, for a page to begin with. */
  async now(): Promise<Shown & { samples: number[][] }> {
    const shown = await this.#draw();
    this.#forgetLater();
    return { ...shown, samples: this.#source.samplesFrom(0).rows };
  }

  /** Sends what is new after the version that the reader has, or everything; returns how to stop. */
  subscribe(version: string, send: (message: string) => void): () => void {
    this.#readers.add(send);
    this.#unsubscribe ??= this.#source.subscribe(() => this.#drawSoon());
    if (this.#shown === null || this.#shown.version !== version) void this.#sendWhole(send);
    else this.#drawSoon();
    return () => {
      this.#readers.delete(send);
      if (this.#readers.size > 0) return;
      this.#unsubscribe?.();
      this.#unsubscribe = null;
      this.#due?.();
      this.#due = null;
      this.#forgetLater();
    };
  }

  async #sendWhole(send: (message: string) => void): Promise<void> {
    try {
      const { version, frame } = await this.#draw();
      if (!this.#readers.has(send)) return;
      const samples = this.#source.samplesFrom(0).rows;
      send(sent({ ...changesBetween(null, frame), version, samples, whole: true }));
    } catch (error) {
      this.#onError(error);
    }
  }

  #drawSoon(): void {
    if (this.#due) return;
    this.#due = this.#clock.after(periodMs, () => {
      this.#due = null;
      this.#draw().catch(this.#onError);
    });
  }

  /** One at a time; whoever asks meanwhile gets the same. */
  #draw(): Promise<Shown> {
    this.#drawing ??= this.#drawNow().finally(() => {
      this.#drawing = null;
    });
    return this.#drawing;
  }

  async #drawNow(): Promise<Shown> {
    const snapshot = await this.#source.snapshot();
    const before = this.#shown;
    const frame = drawFrame(snapshot);
    const change = changesBetween(before?.frame ?? null, frame);
    const { rows: samples, next } = this.#source.samplesFrom(before?.nextSample ?? 0);
    if (before !== null && change === null && samples.length === 0) return before;
    const version = `${this.#life}.${++this.#version}`;
    this.#shown = { version, snapshot, frame, nextSample: next };
    if (before !== null && this.#readers.size > 0) {
      const message = sent({ ...change, version, ...(samples.length > 0 ? { samples } : {}) });
      for (const send of this.#readers) send(message);
    }
    return this.#shown;
  }

  #forgetLater(): void {
    this.#forget?.();
    this.#forget = this.#clock.after(keptMs, () => {
      if (this.#readers.size === 0) this.#shown = null;
    });
  }
}

function sent(message: Message): string {
  return `id: ${message.version}\ndata: ${JSON.stringify(message)}\n\n`;
}
