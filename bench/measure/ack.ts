import type { Findings, Setting } from '../section.ts';
import { generate, generateBare } from '../stage/generate.ts';
import { hello } from '../stage/world.ts';
import { summarise } from '../stats.ts';
import { amount, atMost } from '../verdict.ts';
import { startSeated } from './seated.ts';

const perSecond = 100;
const rooms = 8;
/** Ids of people's messages in the other sections are far below. */
const firstMessageId = 1_000_000;
/** So many that nobody writes faster than is allowed. */
const peoplePerRoom = 90;
/** Agents that do nothing take no processor time, and prove nothing. */
const turnsMin = 10;

/** Webhooks at a fixed rate while agents work on what arrives: every 204 is a commit on disk. */
export async function ack(setting: Setting): Promise<Findings> {
  const { size, say } = setting;
  const { seat, service } = await startSeated(setting, { bot: 'load', name: 'ack' });
  const roomIds = Array.from({ length: rooms }, () => seat.freshRoom());
  await Promise.all(roomIds.map((room) => seat.ask(room, hello)));
  const before = service.events('turn.decided').length;
  say(`ack: ${perSecond} webhooks per second for ${size.ackSeconds} s`);
  const load = { url: service.url, bot: seat.bot, rooms: roomIds, peoplePerRoom, firstMessageId, perSecond };
  const whole = { ...load, seconds: size.ackSeconds };
  const [report, bare] = await Promise.all([generate(whole), generateBare(setting.folder, whole)]);
  const turns = service.events('turn.decided').length - before;
  // What is still waiting is of no interest.
  await service.stop('SIGKILL');
  if (turns < turnsMin)
    throw new Error(`Only ${turns} turns ended during the load: the agents did not work.`);
  // What was never acknowledged took for ever.
  const ackMs = report.sent.map(({ ms, status }) => (status === 204 ? ms : Number.POSITIVE_INFINITY));
  const { median, p99, runs } = summarise(ackMs);
  const refused = ackMs.filter((ms) => ms === Number.POSITIVE_INFINITY).length;
  const least = summarise(bare.sent.map(({ ms }) => ms));
  const late = summarise(report.lateMs);
  return {
    rows: [
      {
        what: `webhook acknowledged, durable, ${perSecond} per second while agents work`,
        predecessor: '',
        ours: `p50 ${amount(median, 'ms')}, p99 ${amount(p99, 'ms')} (${runs.toLocaleString('en-US')} webhooks, ${refused} of them without a 204, ${turns} turns meanwhile; sent at most ${amount(late.p99, 'ms')} late, p99)`,
        baseline: `p50 ${amount(least.median, 'ms')}, p99 ${amount(least.p99, 'ms')} of a bare server that only writes and syncs, meanwhile`,
        target: 'p99 ≤ 10 ms',
        verdict: atMost(p99, 10, 'ms'),
      },
    ],
    plots: [],
  };
}
