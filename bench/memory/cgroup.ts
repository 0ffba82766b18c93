import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { systemClock as clock } from '../../src/lib/clock.ts';

/** A memory control group of its own, as a container or a small server has it: a hard limit, and no swap. */
export interface MemoryCgroup {
  /** Put before a command, starts it inside. */
  prefix: string[];
  /** Working set in bytes: what the kernel counts less what it would give back. */
  usedBytes(): number;
  /** Processes that the kernel has ended in it for memory. */
  oomKills(): number;
  /** Kills what still runs in it and removes it. */
  remove(): Promise<void>;
}

const v1Root = '/sys/fs/cgroup/memory';
const v2Root = '/sys/fs/cgroup';

/** Null where this user may not make one. */
export function makeMemoryCgroup(name: string, limitBytes: number): MemoryCgroup | null {
  const isV1 = existsSync(`${v1Root}/memory.limit_in_bytes`);
  const folder = `${isV1 ? v1Root : v2Root}/${name}`;
  try {
    if (!isV1) writeFileSync(`${v2Root}/cgroup.subtree_control`, '+memory');
    mkdirSync(folder);
  } catch {
    return null;
  }
  const write = (file: string, value: number) => writeFileSync(`${folder}/${file}`, String(value));
  const read = (file: string) => readFileSync(`${folder}/${file}`, 'utf8');
  const field = (file: string, key: string) =>
    Number(read(file).match(new RegExp(`^${key} (\\d+)$`, 'm'))?.[1] ?? 0);
  if (isV1) {
    write('memory.limit_in_bytes', limitBytes);
    // A machine without swap accounting has no such file.
    if (existsSync(`${folder}/memory.memsw.limit_in_bytes`)) write('memory.memsw.limit_in_bytes', limitBytes);
  } else {
    write('memory.max', limitBytes);
    if (existsSync(`${folder}/memory.swap.max`)) write('memory.swap.max', 0);
  }
  return {
    prefix: ['/bin/sh', '-c', 'echo $$ > "$0/cgroup.procs" && exec "$@"', folder],
    usedBytes: () =>
      isV1
        ? Number(read('memory.usage_in_bytes')) - field('memory.stat', 'total_inactive_file')
        : Number(read('memory.current')) - field('memory.stat', 'inactive_file'),
    oomKills: () => field(isV1 ? 'memory.oom_control' : 'memory.events', 'oom_kill'),
    async remove() {
      for (let tries = 0; tries < 100; tries++) {
        for (const pid of read('cgroup.procs').split('\n').filter(Boolean)) kill(Number(pid));
        try {
          rmdirSync(folder);
          return;
        } catch {
          await clock.sleep(50);
        }
      }
      throw new Error(`${folder} cannot be removed: ${read('cgroup.procs')}`);
    },
  };
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}
