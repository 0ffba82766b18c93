/** What a test context is to the helpers in test/support: things to be undone at the end, in reverse. */
export interface Scope {
  after(undo: () => unknown): void;
}

/** Runs `work` and then undoes whatever it registered, however it ends. */
export async function withScope<T>(work: (scope: Scope) => Promise<T>): Promise<T> {
  const undos: Array<() => unknown> = [];
  try {
    return await work({ after: (undo) => void undos.push(undo) });
  } finally {
    for (const undo of undos.reverse()) await undo();
  }
}
