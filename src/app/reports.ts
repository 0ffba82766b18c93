import { isShell } from '../agent/permissions.ts';
import type { Refusal } from '../campfire/intake.ts';
import type { CampfireStorage } from '../campfire/storage.ts';
import type { Bot } from '../config/bot.ts';
import type { Bots, BotsChange } from '../config/bots.ts';
import type { Downloads } from '../downloads/downloads.ts';
import { checkPublicUrl, describePublicUrl } from '../downloads/public-url.ts';
import type { Clock } from '../lib/clock.ts';
import type { Mail } from '../mail/mail.ts';
import type { Supervisor } from '../processes/child.ts';
import type { ContainmentChoice } from '../processes/containment.ts';
import { firstProcessProblem } from '../processes/proc.ts';
import type { Reaper } from '../processes/reaper.ts';
import type { Peaks } from '../sessions/peaks.ts';
import type { Pool } from '../sessions/pool.ts';
import type { Emit, ReapCause } from '../telemetry/events.ts';
import { emitFailure } from '../telemetry/failure.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { HealthBook } from '../turns/health-book.ts';
import type { Spending } from '../turns/spending.ts';

/** What the composition root tells of its parts: events and gauges, nothing else. */

/** What is a state rather than a fact: read when somebody scrapes. */
export function describeState(
  metrics: Metrics,
  {
    pool,
    countMail,
    peaks,
    bots,
    health,
    spending,
  }: {
    pool: Pool;
    countMail: Mail['counts'];
    peaks: Peaks;
    bots: Bots;
    health: HealthBook;
    spending: Pick<Spending, 'usedRatios'>;
  },
): void {
  metrics.gauge(
    'sessions',
    'Live sessions by state.',
    () => {
      const byState: Record<string, number> = { starting: 0, idle: 0, busy: 0, closing: 0 };
      for (const { state } of pool.snapshot()) byState[state] = (byState[state] ?? 0) + 1;
      return byState;
    },
    'state',
  );
  describeMemory(metrics, pool, peaks);
  metrics.gauge(
    'messages_without_outcome',
    'Messages accepted and not yet decided; 0 when idle.',
    async () => (await countMail()).withoutOutcome,
  );
  metrics.gauge(
    'bots_unhealthy',
    'Bots whose key Campfire refuses.',
    () => bots.all().filter(({ id }) => health.bot(id).state === 'unhealthy').length,
  );
  metrics.gauge('campfire_unhealthy', '1 while Campfire cannot be reached.', () =>
    health.campfire().state === 'unhealthy' ? 1 : 0,
  );
  metrics.gauge(
    'budget_used_ratio',
    'Share of the day’s budget that is used, by bot; “all bots” for BUDGET_USD_PER_DAY. Above 1 when it was exceeded.',
    () => spending.usedRatios(bots.all()),
    'budget',
  );
  metrics.gauge(
    'outbox_undelivered',
    'Rows decided and not yet delivered to Campfire; 0 when idle.',
    async () => (await countMail()).undelivered,
  );
}

function describeMemory(metrics: Metrics, pool: Pool, peaks: Peaks): void {
  metrics.gauge('spares', 'Started sessions that wait for a first turn.', () => pool.spares());
  metrics.gauge(
    'sessions_waiting',
    'Conversations that wait for a session, by what is short.',
    () => {
      const byReason: Record<string, number> = { memory: 0 };
      for (const { reason } of pool.waiting()) byReason[reason] = (byReason[reason] ?? 0) + 1;
      return byReason;
    },
    'reason',
  );
  metrics.gauge(
    'session_peak_bytes',
    'What a session of the bot is expected to grow to: the p95 of its last turns.',
    () => peaks.known(),
    'bot',
  );
  metrics.gauge('sessions_memory_bytes', 'Proportional memory of all session trees at the last look.', () =>
    pool.snapshot().reduce((sum, { memoryBytes }) => sum + memoryBytes, 0),
  );
  metrics.gauge(
    'memory_bytes',
    'Memory as sessions are admitted by it: limit, used, available.',
    () => {
      const { limitBytes, usedBytes, availableBytes } = pool.memory().reading;
      return { limit: limitBytes, used: usedBytes, available: availableBytes };
    },
    'kind',
  );
  metrics.gauge(
    'memory_level',
    '0 normal, 1 high, 2 critical.',
    () => ({ normal: 0, high: 1, critical: 2 })[pool.memory().level],
  );
  metrics.gauge(
    'memory_stall_percent',
    'Share of the last 10 s in which something waited for memory; 0 where the kernel does not say.',
    () => pool.memory().reading.stallPercent ?? 0,
  );
  metrics.gauge(
    'oom_kills',
    'Processes that the kernel has ended for memory in our control group, or else on this machine.',
    () => pool.memory().reading.oomKills ?? 0,
  );
}

/** Ends what nobody owns, with all that it left in its slot. */
export async function reapUnowned(
  {
    reaper,
    supervisor,
    emptySlot,
  }: { reaper: Reaper; supervisor: Pick<Supervisor, 'owns'>; emptySlot: (path: string) => void },
  emit: Emit,
  cause: ReapCause,
): Promise<void> {
  try {
    const { killed, slots, stuck } = await reaper.reapUnowned((tag) => supervisor.owns(tag));
    if (killed.length > 0) emit({ type: 'processes.reaped', count: killed.length, cause, pids: killed });
    if (stuck.length > 0) emit({ type: 'processes.stuck', pids: stuck });
    for (const slot of slots) emptySlot(slot);
  } catch (error) {
    emitFailure(emit, 'reaper', error);
  }
}

export function reportBots(bots: Bots, change: BotsChange | null, emit: Emit, secrets: Set<string>): void {
  for (const { key } of bots.all()) secrets.add(key);
  const ids = (list: readonly Bot[] = []) => list.map(({ id }) => id);
  emit({
    ...{ type: 'bots.loaded', bots: ids(bots.all()), added: ids(change?.added) },
    ...{ changed: ids(change?.changed), removed: ids(change?.removed) },
  });
  for (const { file, field, problem, remedy } of bots.problems()) {
    emit({ type: 'bots.problem', file, field, problem: `${problem} ${remedy}` });
  }
}

export function reportRefusal({ status, reason, botId, error }: Refusal, emit: Emit): void {
  const bot = botId ?? null;
  if (status === 204) emit({ type: 'webhook.ignored', reason, bot: bot ?? '' });
  else emit({ type: 'webhook.refused', status, reason, bot });
  if (error !== undefined) emitFailure(emit, 'intake', error);
}

export function reportStorage(storage: CampfireStorage, emit: Emit): void {
  const problem = storage.problem();
  if (problem === null) return;
  emit({
    ...{ type: 'service.degraded', code: 'storage_unreadable' },
    problem: `Bots cannot see posted files: CAMPFIRE_STORAGE cannot be read, ${problem}.`,
    remedy:
      'Mount Campfire’s storage folder (with db/ and files/ in it) there, readable for this service. It is looked for again with each question.',
  });
}

/** What the service finds around itself at its start, where that is less than it could be. */
export function reportSurroundings(
  { containment, bashAllowed, bots }: { containment: ContainmentChoice; bashAllowed: boolean; bots: Bots },
  ownPid: number,
  emit: Emit,
): void {
  const { reason, remedy } = containment;
  if (remedy !== null) emit({ type: 'service.degraded', code: 'containment_group', problem: reason, remedy });
  if (!bashAllowed) reportBashRefused(bots.all(), emit);
  const first = firstProcessProblem(ownPid);
  if (first) emit({ type: 'service.degraded', code: 'no_init', ...first });
}

/** Each bot that asks for a shell where it cannot be held together; at start, and when its file says so later. */
export function reportBashRefused(bots: readonly Bot[], emit: Emit): void {
  for (const { id } of bots.filter(({ tools }) => tools.some(isShell))) {
    emit({
      ...{ type: 'service.degraded', code: 'bash_refused' },
      problem: `${id} asks for Bash, which it does not get here.`,
      remedy: 'Allow user namespaces for bubblewrap, or set ALLOW_UNCONTAINED_BASH=1.',
    });
  }
}

/** Says what is wrong with PUBLIC_URL, found by a real request through it. */
export async function reportPublicUrl(
  publicUrl: string | null,
  instance: string,
  clock: Clock,
  emit: Emit,
): Promise<void> {
  const wrong = describePublicUrl(await checkPublicUrl(publicUrl, instance, clock));
  if (wrong) emit({ type: 'service.degraded', code: 'public_url', ...wrong });
}

export async function sweepDownloads(downloads: Downloads, emit: Emit): Promise<void> {
  await downloads.sweep().catch((error: unknown) => emitFailure(emit, 'downloads', error));
}
