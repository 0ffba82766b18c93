import { openBots } from '../config/bots.ts';
import { readSettings, variable } from '../config/settings.ts';
import { campfireChecks } from './doctor/campfire.ts';
import { claudeApiChecks } from './doctor/claude-api.ts';
import { type Check, type Finding, failure, ok } from './doctor/finding.ts';
import { firstProcess, machineChecks, nodeVersion } from './doctor/machine.ts';
import { memoryCheck } from './doctor/memory.ts';
import { redisChecks } from './doctor/redis.ts';
import { roundTripCheck, type TripRequest } from './doctor/round-trip.ts';

/** Looks at everything that a service needs here, by trying it, and says what to do where something is missing. */

/** Runs all checks in order, prints them, and gives the exit code: 1 when anything failed. */
export async function runDoctor(checks: readonly Check[], { json }: { json: boolean }): Promise<number> {
  const findings: Array<Finding & { name: string }> = [];
  for (const { name, run } of checks) findings.push({ name, ...(await look(run)) });
  const failed = findings.some(({ verdict }) => verdict === 'fail');
  const text = json
    ? JSON.stringify({ ok: !failed, checks: findings }, null, 2)
    : findings.map(linesOf).join('\n');
  process.stdout.write(`${text}\n`);
  return failed ? 1 : 0;
}

/**
 * What is checked where a service would run with this environment. Without usable settings, only what needs none; a
 * question goes all the way through a running service only when `trip` says in which room.
 */
export function doctorChecks(trip: TripRequest | null): Check[] {
  const always = [nodeVersion, firstProcess];
  try {
    const settings = readSettings();
    const read: Check = { name: 'settings', run: () => ok('All settings are usable.') };
    const bots = openBots({ dir: settings.botsDir, variable }).all();
    return [
      ...[read, ...always, ...machineChecks(settings), memoryCheck(settings, bots)],
      ...redisChecks(settings),
      ...[...claudeApiChecks(settings, bots), ...campfireChecks(settings, bots, trip?.roomId ?? null)],
      ...(trip === null ? [] : [roundTripCheck(settings, bots, trip)]),
    ];
  } catch (error) {
    return [{ name: 'settings', run: () => failure(error) }, ...always];
  }
}

async function look(run: Check['run']): Promise<Finding> {
  try {
    return await run();
  } catch (error) {
    return failure(error);
  }
}

function linesOf({ name, verdict, detail, remedy }: Finding & { name: string }): string {
  const line = `${verdict.padEnd(4)} ${name.padEnd(11)} ${detail.replaceAll('\n', '\n                 ')}`;
  return remedy === null ? line : `${line}\n                 → ${remedy}`;
}
