import { readFileSync } from 'node:fs';

/**
 * How much memory there is for sessions: the smallest of what the operator set, what the cgroup allows and
 * what the host has left. Working set, not RSS: page cache that the kernel would give back is not counted.
 */
export interface MemoryReading {
  /** Where the binding limit comes from. */
  source: 'setting' | 'cgroup-v2' | 'cgroup-v1' | 'host';
  limitBytes: number;
  usedBytes: number;
  /** What can still be taken: limit − used, and never more than the host has available. */
  availableBytes: number;
}

/** Reads a file or gives null; injected so that recorded files can be read in tests. */
export type ReadFile = (path: string) => string | null;

/** Takes one reading. Costs four small file reads. @throws when `/proc/meminfo` cannot be read. */
export function readMemory(limitSettingBytes: number | null, read: ReadFile = readOrNull): MemoryReading {
  const host = hostMemory(read);
  const cgroup = cgroupV2(read) ?? cgroupV1(read);
  let reading: MemoryReading =
    cgroup && cgroup.limitBytes < host.limitBytes
      ? { ...cgroup, availableBytes: Math.max(0, cgroup.limitBytes - cgroup.usedBytes) }
      : host;
  if (limitSettingBytes !== null && limitSettingBytes < reading.limitBytes) {
    reading = {
      source: 'setting',
      limitBytes: limitSettingBytes,
      usedBytes: reading.usedBytes,
      availableBytes: Math.max(0, limitSettingBytes - reading.usedBytes),
    };
  }
  return { ...reading, availableBytes: Math.min(reading.availableBytes, host.availableBytes) };
}

function hostMemory(read: ReadFile): MemoryReading {
  const text = read('/proc/meminfo');
  if (text === null) throw new Error('/proc/meminfo cannot be read.');
  const field = (name: string) =>
    Number(text.match(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm'))?.[1] ?? 0) * 1024;
  const limitBytes = field('MemTotal');
  const availableBytes = field('MemAvailable');
  return { source: 'host', limitBytes, usedBytes: limitBytes - availableBytes, availableBytes };
}

interface CgroupUse {
  source: 'cgroup-v2' | 'cgroup-v1';
  limitBytes: number;
  usedBytes: number;
}

function cgroupV2(read: ReadFile): CgroupUse | null {
  const path = ownCgroup(read, /^0::(.*)$/m);
  // Inside a container the own group is mounted as the root, whatever path /proc/self/cgroup tells.
  for (const folder of path === null ? [] : [`/sys/fs/cgroup${path}`, '/sys/fs/cgroup']) {
    const limit = read(`${folder}/memory.max`)?.trim();
    const current = read(`${folder}/memory.current`);
    if (!limit || current === null || limit === 'max') continue;
    const inactiveFile = Number(read(`${folder}/memory.stat`)?.match(/^inactive_file (\d+)/m)?.[1] ?? 0);
    return { source: 'cgroup-v2', limitBytes: Number(limit), usedBytes: Number(current) - inactiveFile };
  }
  return null;
}

function cgroupV1(read: ReadFile): CgroupUse | null {
  const path = ownCgroup(read, /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m);
  for (const folder of path === null ? [] : [`/sys/fs/cgroup/memory${path}`, '/sys/fs/cgroup/memory']) {
    const limit = read(`${folder}/memory.limit_in_bytes`);
    const usage = read(`${folder}/memory.usage_in_bytes`);
    if (limit === null || usage === null) continue;
    const inactiveFile = Number(
      read(`${folder}/memory.stat`)?.match(/^total_inactive_file (\d+)/m)?.[1] ?? 0,
    );
    return { source: 'cgroup-v1', limitBytes: Number(limit), usedBytes: Number(usage) - inactiveFile };
  }
  return null;
}

function ownCgroup(read: ReadFile, line: RegExp): string | null {
  const path = read('/proc/self/cgroup')?.match(line)?.[1];
  return path === undefined ? null : path.replace(/\/$/, '');
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
