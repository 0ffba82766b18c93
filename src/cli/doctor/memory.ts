import type { Bot } from '../../config/bot.ts';
import type { Settings } from '../../config/settings.ts';
import { megabytesOf, readMemory } from '../../processes/memory.ts';
import { memoryOf } from '../../processes/proc.ts';
import { sessionsThatFit } from '../../sessions/capacity.ts';
import { startBytes } from '../../sessions/peaks.ts';
import { freshCostBytes } from '../../sessions/policy.ts';
import { holderOfDataFolder } from '../../store/lock.ts';
import { type Check, type Finding, fail, ok, warn } from './finding.ts';

/** How many sessions may live at once, by the numbers that admit them once a bot is not new any more. */
export function memoryCheck(settings: Settings, bots: readonly Bot[]): Check {
  return { name: 'memory', run: () => lookAtMemory(settings, bots) };
}

function lookAtMemory(settings: Settings, bots: readonly Bot[]): Finding {
  const { dataDir, memoryLimitBytes = null, maxSessions = null, sessionMemoryMaxBytes } = settings;
  const servicePid = Number(holderOfDataFolder(dataDir));
  const own = () => (servicePid > 0 ? memoryOf(servicePid).pssBytes : 0);
  const memory = readMemory(memoryLimitBytes, own);
  const needs = bots
    .map(({ id, tools, mcpServers }) => ({ id, bytes: startBytes({ tools, mcpServers }) }))
    .sort((a, b) => b.bytes - a.bytes);
  const { id, bytes } = needs[0] ?? { id: 'a plain bot', bytes: startBytes({ tools: [], mcpServers: {} }) };
  const peakBytes = Math.min(bytes, sessionMemoryMaxBytes);
  const fit = sessionsThatFit(memory, peakBytes);
  const plan =
    `${megabytesOf(memory.availableBytes)} of ${megabytesOf(memory.limitBytes)} MB (${memory.source}) are available: ` +
    `${fit} ${fit === 1 ? 'session fits' : 'sessions fit'}${servicePid > 0 ? ' beside those that live' : ''}, ` +
    `each with the ${megabytesOf(peakBytes)} MB that ${id} may grow to.`;
  if (fit === 0) {
    const needMb = megabytesOf(freshCostBytes);
    return fail(
      plan,
      `Give the service more memory (a first session needs ${needMb} MB and the reserve), or stop what else runs here.`,
    );
  }
  if (maxSessions !== null && maxSessions > fit)
    return warn(
      plan,
      `MAX_SESSIONS is ${maxSessions}; memory decides first. Give it more, or leave MAX_SESSIONS out.`,
    );
  if (fit === 1)
    return warn(plan, 'Rooms will take turns and wait for each other: give the service more memory.');
  return ok(plan);
}
