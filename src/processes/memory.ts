import { readFileSync } from 'node:fs';

/**
 * How much memory there is for sessions: the smallest of what the operator set, what the cgroups allow and what
 * the host has left. Working set, not RSS: what the kernel would give back is not counted.
 */
export interface MemoryReading {
  /** Where the limit comes from. */
  source: 'setting' | 'cgroup-v2' | 'cgroup-v1' | 'host';
  limitBytes: number;
  /** What counts against the limit: our own for a setting, the group's working set, everybody's on a host. */
  usedBytes: number;
  /** What can still be taken: limit − used, and never more than any cgroup above us or the host has left. */
  availableBytes: number;
  /** Processes that the kernel has ended for memory, in our cgroup or, without one, on this host; null = not told. */
  oomKills: number | null;
  /** Percent of the last 10 s in which somebody waited for memory (PSI "some"); null where the kernel does not say. */
  stallPercent: number | null;
}

/** Reads a file or gives null; injected so that recorded files can be read in tests. */
export type ReadFile = (path: string) => string | null;

const megabyte = 1024 * 1024;

/**
 * Takes one reading; costs some ten small file reads, about 0.2 ms. `own` tells what service and sessions use, and
 * is asked only when the operator's limit counts.
 * @throws when `/proc/meminfo` cannot be read.
 */
export function readMemory(
  limitSettingBytes: number | null,
  own: () => number,
  read: ReadFile = readOrNull,
): MemoryReading {
  const host = hostUse(read);
  const groups = [...cgroupsV2(read), ...cgroupsV1(read)].filter(
    ({ limitBytes }) => limitBytes < host.limitBytes,
  );
  const candidates: Use[] = [host, ...groups];
  if (limitSettingBytes !== null) {
    candidates.push({ source: 'setting', limitBytes: limitSettingBytes, usedBytes: own() });
  }
  const tightest = candidates.reduce((a, b) => (b.limitBytes < a.limitBytes ? b : a));
  const left = candidates.map(({ limitBytes, usedBytes }) => Math.max(0, limitBytes - usedBytes));
  return {
    ...{ source: tightest.source, limitBytes: tightest.limitBytes, usedBytes: tightest.usedBytes },
    availableBytes: Math.min(...left),
    oomKills: oomKillsOf(read),
    stallPercent: stallOf(read),
  };
}

/** A reading's share of the limit that cannot be taken any more, 0-100: what is used, or what others hold. */
export function takenPercent({ limitBytes, availableBytes }: MemoryReading): number {
  return limitBytes === 0 ? 100 : ((limitBytes - availableBytes) / limitBytes) * 100;
}

interface Use {
  source: MemoryReading['source'];
  limitBytes: number;
  usedBytes: number;
}

function hostUse(read: ReadFile): Use {
  const text = read('/proc/meminfo');
  if (text === null) throw new Error('/proc/meminfo cannot be read.');
  const field = (name: string) =>
    Number(text.match(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm'))?.[1] ?? 0) * 1024;
  const limitBytes = field('MemTotal');
  return { source: 'host', limitBytes, usedBytes: limitBytes - field('MemAvailable') };
}

const v2Path = /^0::(.*)$/m;
const v1Path = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m;

/** Every group with a limit from our own up to the root: a limit further up may be the one that binds. */
function cgroupsV2(read: ReadFile): Use[] {
  return foldersOf(read, v2Path, '/sys/fs/cgroup').flatMap((folder): Use[] => {
    const limit = read(`${folder}/memory.max`)?.trim();
    const current = read(`${folder}/memory.current`);
    if (!limit || limit === 'max' || current === null) return [];
    const usedBytes = Number(current) - givenBack(read(`${folder}/memory.stat`), '');
    return [{ source: 'cgroup-v2', limitBytes: Number(limit), usedBytes: Math.max(0, usedBytes) }];
  });
}

function cgroupsV1(read: ReadFile): Use[] {
  return foldersOf(read, v1Path, '/sys/fs/cgroup/memory').flatMap((folder): Use[] => {
    const limit = read(`${folder}/memory.limit_in_bytes`);
    const usage = read(`${folder}/memory.usage_in_bytes`);
    if (limit === null || usage === null) return [];
    const usedBytes = Number(usage) - givenBack(read(`${folder}/memory.stat`), 'total_');
    return [{ source: 'cgroup-v1', limitBytes: Number(limit), usedBytes: Math.max(0, usedBytes) }];
  });
}

/**
 * What the kernel takes from a full group before it kills, as it reckons MemAvailable for the host, with margins: files
 * that are mapped count as used, because programs run from them, and half of the kernel's own caches (v1 names none).
 */
function givenBack(stat: string | null, prefix: '' | 'total_'): number {
  const field = (name: string) => Number(stat?.match(new RegExp(`^${prefix}${name} (\\d+)$`, 'm'))?.[1] ?? 0);
  // What is mapped may be inactive or shared memory as well: the rest is what is active for certain, or less.
  const [active, mapped] = [field('active_file'), field(prefix ? 'mapped_file' : 'file_mapped')];
  return field('inactive_file') + Math.max(0, active - mapped) + field('slab_reclaimable') / 2;
}

/** Folders of our own group and of those above it. In a container the own group may be mounted as the root. */
function foldersOf(read: ReadFile, line: RegExp, mount: string): string[] {
  const path = read('/proc/self/cgroup')?.match(line)?.[1];
  if (path === undefined) return [];
  const parts = path.split('/').filter((part) => part !== '');
  return [...parts.map((_, depth) => `${mount}/${parts.slice(0, parts.length - depth).join('/')}`), mount];
}

function oomKillsOf(read: ReadFile): number | null {
  const own = [
    ...foldersOf(read, v2Path, '/sys/fs/cgroup').map((folder) => `${folder}/memory.events`),
    ...foldersOf(read, v1Path, '/sys/fs/cgroup/memory').map((folder) => `${folder}/memory.oom_control`),
    '/proc/vmstat',
  ];
  for (const file of own) {
    const count = read(file)?.match(/^oom_kill (\d+)$/m)?.[1];
    if (count !== undefined) return Number(count);
  }
  return null;
}

function stallOf(read: ReadFile): number | null {
  const files = [
    ...foldersOf(read, v2Path, '/sys/fs/cgroup').map((folder) => `${folder}/memory.pressure`),
    '/proc/pressure/memory',
  ];
  for (const file of files) {
    const percent = read(file)?.match(/^some avg10=([\d.]+)/m)?.[1];
    if (percent !== undefined) return Number(percent);
  }
  return null;
}

/** Tells deaths by the kernel's hand from others: the counter has no names, but a death follows its kill at once. */
export interface OomWatch {
  /** Looks at the counter; call it with every reading. Gives how many it has ended since the last look. */
  look(reading: MemoryReading, nowMonotonicMs: number): number;
  /** Whether the kernel ended something of ours for memory within `withinMs`. */
  killedWithin(withinMs: number, nowMonotonicMs: number): boolean;
}

export function createOomWatch(): OomWatch {
  let known: number | null = null;
  let lastMs = Number.NEGATIVE_INFINITY;
  return {
    look({ oomKills }, nowMonotonicMs) {
      const kills = Math.max(0, (oomKills ?? 0) - (known ?? oomKills ?? 0));
      if (kills > 0) lastMs = nowMonotonicMs;
      known = oomKills ?? known;
      return kills;
    },
    killedWithin: (withinMs, nowMonotonicMs) => nowMonotonicMs - lastMs <= withinMs,
  };
}

/** `1,502 MB`-like figures for logs, without the unit. */
export function megabytesOf(bytes: number): string {
  return Math.round(bytes / megabyte).toLocaleString('en-US');
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
