import { chmodSync, chownSync, readdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { eventually } from '../../test/support/eventually.ts';
import { type RedisServer, redisServer } from '../../test/support/redis.ts';
import type { Service, ServiceHome } from '../../test/support/service.ts';
import { type Stage, setStage } from '../../test/support/stage.ts';
import { type Cell, type Expectation, expectation, graceSeconds, type MailStore } from './cells.ts';
import { type SoakModel, startSoakModel } from './model.ts';
import { endAll, kill, processesIn, type Seen, stillThere } from './processes.ts';
import { type Scope, withScope } from './scope.ts';

/**
 * One cell of the kill matrix: the real service, the real `claude` with a stubborn tool server and children of Bash, a
 * kill at the given moment, and a look at `/proc`.
 */
export interface CellResult {
  cell: Cell;
  expected: Expectation;
  /** What the cell measures, in ms; null when it was not run or nothing ended. */
  goneMs: number | null;
  /** How many processes there were at the kill, the service left out. */
  before: number;
  /** Command lines of what was left when the bound had passed, or after the service's end. */
  left: string[];
  passed: boolean;
}

const nobody = 65534;
const root = join(import.meta.dirname, '../..');
const server = [
  ...[process.execPath, '--no-warnings', '--import', join(import.meta.dirname, 'faults.ts')],
  join(root, 'src/server.ts'),
];
const mcpServer = join(root, 'test/fixtures/children/mcp-server.ts');

export interface MatrixOptions {
  store: MailStore;
  /** Cells at a time. */
  atOnce: number;
  /** Told each result as it comes. */
  onResult(result: CellResult): void;
}

/** Runs cells; one that breaks off counts as failed. */
export async function runMatrix(
  cells: readonly Cell[],
  { store, atOnce, onResult }: MatrixOptions,
): Promise<CellResult[]> {
  const results: CellResult[] = [];
  const waiting = [...cells];
  const work = async () => {
    for (let cell = waiting.shift(); cell; cell = waiting.shift()) {
      const result = await runCell(cell, store).catch((error: unknown) => broken(cell, error));
      results.push(result);
      onResult(result);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return results;
}

function broken(cell: Cell, error: unknown): CellResult {
  const left = [`it broke off: ${error instanceof Error ? error.message : String(error)}`];
  return { cell, expected: expectation(cell), goneMs: null, before: 0, left, passed: false };
}

async function runCell(cell: Cell, store: MailStore): Promise<CellResult> {
  const expected = expectation(cell);
  const none = { cell, expected, goneMs: null, before: 0, left: [] };
  if (expected.kind === 'no-victim') return { ...none, passed: true };
  return withScope(async (scope) => {
    const set = await setCell(scope, cell, store);
    await reach(set, cell);
    const { measured, before } = await strike(set, cell, expected);
    const left = await settle(set, before, expected);
    const goneMs = left.length === 0 || measured.gone ? measured.ms : null;
    const held =
      expected.kind === 'gone' && measured.gone && measured.ms <= expected.boundMs && left.length === 0;
    return {
      ...{ cell, expected, goneMs, before: before.length },
      left: left.map(({ argv }) => argv.join(' ').trim()),
      passed: expected.kind === 'not-held' || held,
    };
  });
}

interface Set {
  stage: Stage;
  model: SoakModel;
  folder: string;
  redis: RedisServer | null;
  start: () => Promise<Service>;
  service: Service;
}

async function setCell(scope: Scope, { layer, user }: Cell, store: MailStore): Promise<Set> {
  const model = await startSoakModel();
  const stage = await setStage(scope, {
    model,
    bot: {
      tools: ['Bash', 'Read'],
      mcp_servers: { stubborn: { command: process.execPath, args: [mcpServer, 'stubborn'] } },
    },
  });
  const folder = dirname(stage.home.dataDir);
  scope.after(() => endAll(folder));
  if (user === 'nobody') handOver(stage.home, folder);
  writeScripts(model, folder);
  const redis = store === 'Redis' ? await redisServer(scope) : null;
  const env = {
    ...(redis ? { REDIS_URL: redis.url } : {}),
    ...{ CONTAINMENT: layer, ALLOW_UNCONTAINED_BASH: '1', SHUTDOWN_GRACE_SECONDS: `${graceSeconds}` },
  };
  const asUser = ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', '--'];
  const start = () => stage.start(env, user === 'nobody' ? [...asUser, ...server] : server);
  return { stage, model, folder, redis, start, service: await start() };
}

/** Gives the home to the unprivileged user, and lets that user through the temp folders of whoever runs this. */
function handOver({ botsDir }: ServiceHome, folder: string): void {
  // Only folders of a run: one that is closed for other reasons stays closed, and these cells then fail aloud.
  for (let each = folder; basename(each).startsWith('campfire-') || each === tmpdir(); each = dirname(each))
    chmodSync(each, statSync(each).mode | 0o011);
  const files = readdirSync(botsDir).map((name) => join(botsDir, name));
  for (const each of [folder, botsDir, ...files]) chownSync(each, nobody, nobody);
}

/** Commands for the model: children that ignore what can be ignored and carry the folder's name in their first word. */
function writeScripts(model: SoakModel, folder: string): void {
  const held = (role: string) =>
    `bash -c 'trap "" TERM HUP INT; exec -a ${folder}/${role} sleep 1000' >/dev/null 2>&1 </dev/null`;
  const leave = [`${held('background')} &`, `setsid ${held('setsid')} &`, `(setsid ${held('daemon')} &)`];
  model.command('leave', `${leave.join('\n')}\necho left`);
  model.command('scrubbed', `(env -i setsid ${held('scrubbed')} &)\necho left`);
  model.command('hold', held('foreground'));
}

/** Everything of the cell but the service itself, and the shell that is told all names at once. */
function treeOf({ folder, service }: Set): Seen[] {
  return processesIn(folder).filter(
    ({ pid, argv }) => pid !== service.child.pid && !argv.includes(server.at(-1) ?? ''),
  );
}

function find(set: Set, role: string): Seen | undefined {
  const tree = treeOf(set);
  if (role === 'claude') return tree.find(({ argv }) => argv[0]?.endsWith('/claude'));
  if (role === 'mcp') return tree.find(({ argv }) => argv[1] === mcpServer);
  return tree.find(({ argv }) => argv[0] === `${set.folder}/${role}`);
}

const appear = (set: Set, role: string) => eventually(`${role} to run`, () => find(set, role), 20_000);

async function reach(set: Set, { moment, victim }: Cell): Promise<void> {
  const { stage } = set;
  if (moment === 'starting') {
    stage.say(1, 'answer first');
    await appear(set, victim === 'MCP server' ? 'mcp' : 'claude');
    return;
  }
  const scrubbed = victim === 'nobody, with a scrubbed daemon';
  stage.say(1, scrubbed ? 'run scrubbed' : 'run leave');
  await stage.answers(1, 1);
  for (const role of scrubbed ? ['scrubbed'] : ['background', 'setsid', 'daemon']) await appear(set, role);
  if (moment === 'idle') return;
  const calls = stage.model.calls;
  stage.say(1, moment === 'streaming' ? 'stream on' : 'run hold');
  if (moment === 'streaming') await eventually('the stream to begin', () => stage.model.calls > calls);
  else await appear(set, 'foreground');
}

const roles: Partial<Record<Cell['victim'], string>> = {
  claude: 'claude',
  'claude, stopped': 'claude',
  'MCP server': 'mcp',
  'Bash foreground child': 'foreground',
  "setsid'ed child": 'setsid',
  'background child of a finished call': 'background',
  'double-forked daemon': 'daemon',
};

const serviceSignals: Partial<Record<Cell['victim'], NodeJS.Signals>> = {
  'service, TERM': 'SIGTERM',
  'service, KILL': 'SIGKILL',
  'service, uncaught throw': 'SIGUSR2',
  'service, event loop stalled': 'SIGPWR',
};

interface Measured {
  ms: number;
  gone: boolean;
}

/** Kills, does what the cell then asks for, and measures until all that ran before is gone. */
async function strike(
  set: Set,
  { moment, victim }: Cell,
  expected: Expectation,
): Promise<{ measured: Measured; before: Seen[] }> {
  const role = roles[victim];
  const target = role === undefined ? undefined : find(set, role);
  const before = treeOf(set);
  if (moment === 'closing') closeSession(set);
  const startedMs = performance.now();
  if (target) kill(target, victim === 'claude, stopped' ? 'SIGSTOP' : 'SIGKILL');
  const signal = serviceSignals[victim];
  if (signal) set.service.child.kill(signal);
  if (victim === 'Redis, KILL') await set.redis?.kill();

  const measure = expected.kind === 'gone' ? expected.measure : 'close';
  if (measure === 'boot') {
    await eventually('the service to be dead', () => hasEnded(set.service));
    const bootMs = performance.now();
    set.service = await set.start();
    return { measured: await untilGone(before, bootMs), before };
  }
  if (measure === 'close' && moment !== 'closing') closeSession(set);
  if (measure === 'exit') await eventually('the service to end', () => hasEnded(set.service), 40_000);
  return { measured: await untilGone(before, startedMs), before };
}

/** Not awaited: a service that is stalled or dead answers later, or never. */
function closeSession({ service }: Set): void {
  void service.closeSession('1:assistant').catch(() => undefined);
}

function hasEnded({ child }: Service): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** Nobody waits longer than this for a tree that will not end. */
const patienceMs = 20_000;

async function untilGone(before: readonly Seen[], startedMs: number): Promise<Measured> {
  const gone = await eventually(
    'the tree to be gone',
    () => stillThere(before).length === 0,
    patienceMs,
  ).catch(() => false);
  return { ms: Math.round(performance.now() - startedMs), gone };
}

/** Ends the service if it still runs, and gives what is left of the cell then. */
async function settle(set: Set, before: readonly Seen[], expected: Expectation): Promise<Seen[]> {
  if (!hasEnded(set.service)) await set.service.stop();
  const left = () => [
    ...new Map([...treeOf(set), ...stillThere(before)].map((one) => [one.pid, one])).values(),
  ];
  if (expected.kind === 'gone')
    await eventually('nothing to be left', () => left().length === 0, 1000).catch(() => undefined);
  return left();
}
