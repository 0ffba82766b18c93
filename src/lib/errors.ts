/** A failure that an operator can mend: what is wrong in one sentence, and what to do about it in another. */
export class OperatorError extends Error {
  override readonly name = 'OperatorError';
  /** Stable and greppable, e.g. `setting_invalid`. */
  readonly code: string;
  readonly remedy: string;

  constructor(code: string, problem: string, remedy: string, options?: ErrorOptions) {
    super(problem, options);
    this.code = code;
    this.remedy = remedy;
  }
}

/** Something outside cannot be asked at present, and comes back by itself or by what an operator does there. */
export class AwayError extends Error {
  override readonly name: string = 'AwayError';
}

/** The message of anything thrown, for logs; never for a room. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
