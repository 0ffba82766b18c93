import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, OperatorError } from '../lib/errors.ts';

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

/** Agents give way to the service and to Campfire for the processor … */
const agentNice = 10;
/** … and are what the kernel ends first when memory runs out (0 is a normal process, 1000 goes first). */
const agentOomScoreAdj = 500;
/** Set before the program starts, so that no child of it can be without; a sandbox may forbid it. */
const givingWay = `{ echo ${agentOomScoreAdj} >/proc/self/oom_score_adj; } 2>/dev/null; exec nice -n ${agentNice} "$@"`;

/**
 * Where the kernel shares the processor out by sessions first (autogroup), niceness counts only among the processes of one
 * session, and each agent has a session of its own: so the session of `leaderPid` gets the same niceness. The kernel
 * takes ten such wishes a second from who is not root, and a sandbox may forbid it: an agent then counts in full.
 */
export function giveWay(leaderPid: number): void {
  try {
    writeFileSync(`/proc/${leaderPid}/autogroup`, String(agentNice));
  } catch {
    // No autogroups here, or not now.
  }
}

/**
 * Decides by really running a session's wrapper once, in a slot below `dataDir`.
 * `wanted` = `auto` falls back to `group`; `namespace` gives `null` when it does not work here.
 * @throws OperatorError when the slot cannot be made, which says nothing about the layers.
 */
export function chooseContainment(
  wanted: 'auto' | Containment,
  dataDir: string,
  hidden: HiddenFolders,
): ContainmentChoice | null {
  if (wanted === 'group') return { layer: 'group', reason: 'CONTAINMENT=group asks for it.', remedy: null };
  const problem = tryNamespace(dataDir, hidden);
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
    remedy: namespaceRemedy(problem),
  };
}

/** What to do so that bubblewrap works, by what it said. */
function namespaceRemedy(problem: string): string {
  if (/not installed/.test(problem)) return 'Install bubblewrap (Debian: apt-get install bubblewrap).';
  if (/mount proc/.test(problem))
    return 'Let the container mount /proc: security_opt systempaths=unconfined (and seccomp=unconfined).';
  if (/cannot see|still sees/.test(problem))
    return 'Give DATA_DIR and BOTS_DIR folders of their own, apart from the program and from each other.';
  return 'Allow user namespaces: in a container security_opt seccomp=unconfined and apparmor=unconfined, on a host sysctl kernel.unprivileged_userns_clone=1 (Ubuntu: kernel.apparmor_restrict_unprivileged_userns=0).';
}

/**
 * Says what is wrong with the inside of a namespace: hidden file, slot, this program's own file and the identity of the
 * file in the slot are its arguments. It opens that file for writing and writes nothing: that works on a full disk.
 */
const lookAround = `
[ $$ -le 9 ] || { echo "it shares the service's pids." >&2; exit 1; }
[ ! -e "$1" ] || { echo "a session still sees DATA_DIR." >&2; exit 1; }
[ -r "$3" ] || { echo "a session cannot see the program, which lies in DATA_DIR or BOTS_DIR." >&2; exit 1; }
[ "$(stat -c %d:%i "$2/held")" = "$4" ] && true >"$2/held" ||
  { echo "a session cannot see its own slot." >&2; exit 1; }`;

function tryNamespace(dataDir: string, hidden: HiddenFolders): string | null {
  const { slot, held, secret } = probeFolder(dataDir);
  const { dev, ino } = statSync(held, { bigint: true });
  const look = ['-c', lookAround, 'probe', secret, slot, import.meta.filename, `${dev}:${ino}`];
  const { startError, status, stderr } = runContained('namespace', 'sh', look, slot, hidden);
  if (startError !== null) return startError === 'ENOENT' ? 'bwrap is not installed.' : startError;
  return status === 0 ? null : stderr.trim().split('\n')[0] || `bwrap ended with ${status}.`;
}

/**
 * Something to hide and a slot to show. Made once and kept: a disk that has become full since has no room for a folder.
 * @throws OperatorError when it is missing and cannot be made.
 */
function probeFolder(dataDir: string): { slot: string; held: string; secret: string } {
  const slot = join(dataDir, 'probe/slot');
  const [held, secret] = [join(slot, 'held'), join(dataDir, 'probe/hidden')];
  try {
    mkdirSync(slot, { recursive: true, mode: 0o700 });
    for (const file of [held, secret]) closeSync(openSync(file, 'a', 0o600));
  } catch (error) {
    throw new OperatorError(
      'data_dir_unusable',
      `Nothing can be written to the disk of ${dataDir}: ${messageOf(error)}.`,
      'Make room there and let the service write to DATA_DIR.',
      { cause: error },
    );
  }
  return { slot, held, secret };
}

/** Runs a short command to its end as a session's program would run; `status` is null when it could not, or hung. */
export function runContained(
  layer: Containment,
  program: string,
  programArgs: readonly string[],
  slot: string,
  hidden: HiddenFolders,
): { status: number | null; stdout: string; stderr: string; startError: string | null } {
  const { command, args } = contain(layer, program, programArgs, slot, hidden);
  const { error, status, stdout, stderr } = spawnSync(command, args, {
    ...{
      encoding: 'utf8',
      timeout: 10_000,
      killSignal: 'SIGKILL',
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: slot,
    },
  });
  const startError = error ? ('code' in error ? String(error.code) : error.message) : null;
  return { status, stdout: stdout ?? '', stderr: stderr ?? '', startError };
}

/**
 * No capabilities and a small `/dev`: a session of root could otherwise unmount what covers the hidden folders, or read
 * them from the disk's device. Whoever has neither cannot get them back, in user namespaces of its own neither.
 */
const namespaceArguments = [
  ...['--unshare-pid', '--die-with-parent', '--bind', '/', '/', '--dev', '/dev', '--proc', '/proc'],
  ...['--cap-drop', 'ALL'],
];

/** The command that starts `command` inside the layer, with `slot` as the only visible part of `hidden`. */
export function contain(
  layer: Containment,
  command: string,
  args: readonly string[],
  slot: string,
  hidden: HiddenFolders,
): { command: string; args: string[] } {
  const politely = ['sh', '-c', givingWay, 'sh', command, ...args];
  if (layer === 'group') return { command: 'sh', args: politely.slice(1) };
  // Mounts are made on real paths: a link to the data folder would otherwise lead around the cover.
  const covers = hidden.paths
    .filter((path) => existsSync(path))
    .flatMap((path) => ['--tmpfs', realpathSync(path)]);
  const own = realpathSync(slot);
  return {
    command: 'bwrap',
    args: [...namespaceArguments, ...covers, '--bind', own, own, '--', ...politely],
  };
}
