import { randomUUID } from 'node:crypto';
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isShell } from '../../agent/permissions.ts';
import { createSdkAgents } from '../../agent/sdk.ts';
import { openBots } from '../../config/bots.ts';
import { type Settings, variable } from '../../config/settings.ts';
import { checkPublicUrl, describePublicUrl } from '../../downloads/public-url.ts';
import { systemClock as clock } from '../../lib/clock.ts';
import {
  type Containment,
  type ContainmentChoice,
  chooseContainment,
  type HiddenFolders,
  runContained,
} from '../../processes/containment.ts';
import { commandOf, firstProcessProblem } from '../../processes/proc.ts';
import { holderOfDataFolder } from '../../store/lock.ts';
import { type Check, type Finding, fail, ok, warn } from './finding.ts';

/** What this machine gives a service: program, processes, folders, files. */

export const nodeVersion: Check = {
  name: 'node',
  run() {
    const { node } = process.versions;
    if (Number.parseInt(node, 10) >= 24) return ok(`Node ${node}.`);
    return fail(`Node ${node} is too old.`, 'Run `npm ci`, which brings Node 24, and start through bin/.');
  },
};

/** The service need not be the first process itself: what counts is who is. */
export const firstProcess: Check = {
  name: 'init',
  run() {
    const first = commandOf(1);
    const wrong = firstProcessProblem(/^node\b/.test(first.split('/').at(-1) ?? '') ? 1 : process.pid);
    return wrong ? fail(wrong.problem, wrong.remedy) : ok(`Process 1 is ${first || 'another user’s'}.`);
  },
};

export function machineChecks(settings: Settings): Check[] {
  const { dataDir, botsDir } = settings;
  const hidden = { paths: [dataDir, botsDir] };
  let choice: ContainmentChoice | null = null;
  // Tried once, when the first check asks for it; even where it is not wanted, to tell why it cannot be had.
  const layer = () => {
    choice ??= chooseContainment(settings.containment === 'group' ? 'group' : 'auto', dataDir, hidden);
    return choice ?? { layer: 'group' as const, reason: '', remedy: null };
  };
  return [
    { name: 'data folder', run: () => dataFolder(dataDir) },
    { name: 'containment', run: () => containment(layer(), settings.containment === 'namespace') },
    { name: 'claude', run: () => claude(dataDir, hidden, layer().layer) },
    { name: 'bots', run: () => bots(settings, layer().layer) },
    { name: 'public url', run: () => publicUrl(settings) },
    { name: 'user', run: user },
  ];
}

function dataFolder(path: string): Finding {
  if (!existsSync(path)) mkdirSync(path, { recursive: true, mode: 0o700 });
  accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  const holder = holderOfDataFolder(path);
  return ok(
    holder === null ? `${path} is free to be used.` : `${path} is in use by the service with pid ${holder}.`,
  );
}

function containment({ layer, reason, remedy }: ContainmentChoice, isDemanded: boolean): Finding {
  if (layer === 'namespace') return ok(`namespace: ${reason}`);
  if (isDemanded) return fail(`CONTAINMENT=namespace cannot be had. ${reason}`, remedy ?? '');
  return { verdict: remedy === null ? 'ok' : 'warn', detail: `group: ${reason}`, remedy };
}

/** Inside the layer, because a program that lies in a hidden folder is missing only there. */
async function claude(dataDir: string, hidden: HiddenFolders, layer: Containment): Promise<Finding> {
  const slot = mkdtempSync(join(dataDir, 'probe-'));
  const remedy = 'Run `npm ci` on this machine, so that its binary fits.';
  try {
    const program = await claudeProgram(slot);
    if (program.path === null) return fail(`There is no claude here: ${program.problem}`, remedy);
    const { status, stdout, stderr } = runContained(layer, program.path, ['--version'], slot, hidden);
    if (status === 0) return ok(`claude ${stdout.trim()} runs.`);
    return fail(`claude does not run here: ${stderr.trim().split('\n').at(-1) ?? ''}`, remedy);
  } finally {
    rmSync(slot, { recursive: true, force: true });
  }
}

/** What an agent would start: asked by opening one where nothing is let start. */
async function claudeProgram(slot: string): Promise<{ path: string | null; problem: string }> {
  const asked: { path: string | null } = { path: null };
  const open = createSdkAgents({
    ...{ clock, environment: {}, bashAllowed: false, oomKilled: () => false },
    admit: () => ({ environment: {}, revoke: () => {} }),
    supervisor: {
      owns: () => false,
      spawn({ command }) {
        asked.path = command;
        throw new Error('Only asking.');
      },
    },
  });
  const agent = open({
    profile: { systemPrompt: '', model: null, tools: [], mcpServers: {}, maxTurns: null },
    slot: { id: 'probe', root: slot, config: slot, work: slot, temp: slot },
    memory: { kind: 'new', id: randomUUID() },
  });
  return { problem: (await agent.ended).cause, path: asked.path };
}

function bots(settings: Settings, layer: Containment): Finding {
  const found = openBots({ dir: settings.botsDir, variable });
  const [first, ...more] = found.problems();
  if (first) {
    const further = more.length > 0 ? ` (and ${more.length} more)` : '';
    return fail(`${first.file}: ${first.field ?? 'it'} ${first.problem}${further}`, first.remedy);
  }
  const all = found.all();
  if (all.length === 0)
    return warn(`${settings.botsDir} has no bot.`, 'Add one file per bot (docs/bots.md).');
  const shells = all.filter(({ tools }) => tools.some(isShell)).map(({ id }) => id);
  if (shells.length > 0 && layer !== 'namespace' && !settings.allowUncontainedBash) {
    const remedy = 'Make the namespace layer work, or set ALLOW_UNCONTAINED_BASH=1.';
    return warn(`${shells.join(', ')} asks for Bash, which it does not get here.`, remedy);
  }
  return ok(`${all.length} usable: ${all.map(({ id }) => id).join(', ')}.`);
}

/** Asked through the address itself, which only a running service can answer. */
async function publicUrl({ publicUrl: given, dataDir }: Settings): Promise<Finding> {
  const url = given ?? null;
  if (url !== null && holderOfDataFolder(dataDir) === null)
    return warn(`${url} can be tried only while the service runs.`, 'Start the service and run this again.');
  const instance = url === null ? '' : readFileSync(join(dataDir, 'instance'), 'utf8').trim();
  const wrong = describePublicUrl(await checkPublicUrl(url, instance, clock));
  return wrong ? warn(wrong.problem, wrong.remedy) : ok(`${url} leads to this service.`);
}

function user(): Finding {
  if (process.getuid?.() !== 0) return ok('The service would not be root.');
  const remedy =
    'Run it as a user of its own: what a bot may run writes whatever the service’s user may write.';
  return warn('The service would run as root.', remedy);
}
