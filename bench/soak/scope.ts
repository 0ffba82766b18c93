/** What a test context is to the helpers in test/support: things to be undone at the end, in reverse. */
export interface Scope {
  after(undo: () => unknown): void;
}

/** Runs `work` and then undoes whatever it registered, however it ends; told to end, the process does so afterwards. */
export async function withScope<T>(work: (scope: Scope) => Promise<T>): Promise<T> {
  const undos: Array<() => unknown> = [];
  const undoAll = async () => {
    for (const undo of undos.splice(0).reverse()) await undo();
  };
  const signals = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;
  const end = () => void undoAll().finally(() => process.exit(1));
  for (const signal of signals) process.once(signal, end);
  try {
    return await work({ after: (undo) => void undos.push(undo) });
  } finally {
    await undoAll();
    for (const signal of signals) process.off(signal, end);
  }
}
