/**
 * `process.kill` for tests.
 * @throws Error when there is no such pid to name: signal 0 and below go to whole groups, first of all to the test's own.
 */
export function signal(pid: number | null | undefined, name: NodeJS.Signals): void {
  if (!Number.isInteger(pid) || Number(pid) <= 1) throw new Error(`No process to send ${name}: pid ${pid}.`);
  process.kill(Number(pid), name);
}
