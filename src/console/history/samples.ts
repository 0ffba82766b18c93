/** What is measured, in the order in which a row has it; bytes in MB, the rest counts. */
export const sampleFields = [
  ...(['usedMb', 'limitMb', 'agentsMb'] as const),
  ...(['busy', 'starting', 'idle', 'closing', 'spare'] as const),
  ...(['waitingMail', 'waitingSessions'] as const),
] as const;

export type Sample = Record<(typeof sampleFields)[number], number>;

/** Epoch seconds, and behind it one number per field. */
export type SampleRow = number[];

/** How often a sample is taken, and how many are kept: two hours. */
export const samplePeriodMs = 5_000;
const samplesMax = (2 * 3600 * 1000) / samplePeriodMs;

/** The last two hours in one piece of memory that never grows: 60 KB. */
export class SampleRing {
  readonly #seconds = new Uint32Array(samplesMax);
  readonly #values = new Float32Array(samplesMax * sampleFields.length);
  #count = 0;

  add(sample: Sample, at: number): void {
    const place = this.#count++ % samplesMax;
    this.#seconds[place] = Math.round(at / 1000);
    sampleFields.forEach((field, index) => {
      this.#values[place * sampleFields.length + index] = Math.round(sample[field] * 10) / 10;
    });
  }

  /** How many there have been in all; a row's number among them is its position. */
  count(): number {
    return this.#count;
  }

  /** Rows from the given number on, oldest first, as far as they are kept. */
  from(number: number): SampleRow[] {
    const first = Math.max(number, this.#count - samplesMax, 0);
    return Array.from({ length: Math.max(0, this.#count - first) }, (_, index) => this.#row(first + index));
  }

  #row(number: number): SampleRow {
    const place = number % samplesMax;
    const start = place * sampleFields.length;
    const values = this.#values.subarray(start, start + sampleFields.length);
    return [this.#seconds[place] ?? 0, ...Array.from(values, (value) => Math.round(value * 10) / 10)];
  }
}
