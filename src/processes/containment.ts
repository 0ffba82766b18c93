import { spawnSync } from 'node:child_process';

/**
 * How a session's processes are held together, and what they can see.
 *
 * `namespace`: bubblewrap gives each session a pid namespace of its own; when its first process ends, however
 * it was ended, the kernel ends all others, and the session sees only its own slot of the hidden folders.
 * `group`: a process group and an inherited marker; what escapes both is swept from `/proc` afterwards.
 */
export type Containment = 'namespace' | 'group';

export interface ContainmentChoice {
  layer: Containment;
  /** Why this layer, in one sentence for the log, `/health` and `doctor`. */
  reason: string;
  /** What would give the stronger layer; null when it is in force or was not wanted. */
  remedy: string | null;
}

/** Folders that sessions must not see, apart from their own slot. */
export interface HiddenFolders {
  paths: readonly string[];
}

/**
 * Decides by really running the wrapper once.
 * `wanted` = `auto` falls back to `group`; `namespace` gives `null` when it does not work here.
 */
export function chooseContainment(wanted: 'auto' | Containment): ContainmentChoice | null {
  if (wanted === 'group') return { layer: 'group', reason: 'CONTAINMENT=group asks for it.', remedy: null };
  const problem = tryNamespace();
  if (problem === null) {
    return {
      layer: 'namespace',
      reason: 'bubblewrap works here, each session has its own pid namespace.',
      remedy: null,
    };
  }
  if (wanted === 'namespace') return null;
  return {
    layer: 'group',
    reason: `No pid namespaces for sessions: ${problem}`,
    remedy:
      'Install bubblewrap and allow user namespaces (in a container: security_opt seccomp=unconfined or a profile that permits unshare).',
  };
}

function tryNamespace(): string | null {
  const { error, status, stderr } = spawnSync(
    'bwrap',
    [...namespaceArguments, '--tmpfs', '/mnt', '--', 'true'],
    {
      encoding: 'utf8',
      timeout: 5000,
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  if (error) return 'code' in error && error.code === 'ENOENT' ? 'bwrap is not installed.' : error.message;
  return status === 0 ? null : (stderr.trim().split('\n')[0] ?? `bwrap ended with ${status}.`);
}

const namespaceArguments = [
  '--unshare-pid',
  '--die-with-parent',
  '--dev-bind',
  '/',
  '/',
  '--proc',
  '/proc',
] as const;

/** The command that starts `command` inside the layer, with `slot` as the only visible part of `hidden`. */
export function contain(
  layer: Containment,
  command: string,
  args: readonly string[],
  slot: string,
  hidden: HiddenFolders,
): { command: string; args: string[] } {
  if (layer === 'group') return { command, args: [...args] };
  const hide = hidden.paths.flatMap((path) => ['--tmpfs', path]);
  return {
    command: 'bwrap',
    args: [...namespaceArguments, ...hide, '--bind', slot, slot, '--', command, ...args],
  };
}
