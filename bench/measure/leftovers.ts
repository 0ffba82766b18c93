import { join } from 'node:path';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { type Findings, megabyte, type Setting } from '../section.ts';
import { isAgent, markedProcesses, memoryOf, treeOf } from '../stage/processes.ts';
import { startRaw } from '../stage/raw.ts';
import { layOut, type Service, type ServiceHome, startService } from '../stage/service.ts';
import { until } from '../stage/until.ts';
import { hello, type Seat } from '../stage/world.ts';
import { amount, atMost } from '../verdict.ts';

/** What stays when the work is done: after the idle time, and after a restart. */

const requests = 10;
const ttlSeconds = 5;

export async function leftovers(setting: Setting): Promise<Findings> {
  const { world, folder, checkout, size, say } = setting;
  const seat = world.seat('plain');
  const env = { ...world.env, SPARE_SESSIONS: '0', SESSION_TTL_SECONDS: String(ttlSeconds) };
  const home = { folder: join(folder, 'leftovers'), bot: seat.bot, checkout, env };
  layOut(home);
  const service = await startService(home);
  seat.meet(service);
  const kept = startRaw(join(folder, 'leftovers-raw'), world.env);
  let working = 0;
  for (let request = 1; request <= requests; request++) {
    await seat.ask(seat.freshRoom(), hello);
    working = Math.max(working, markedProcesses(service.instance()).filter(isAgent).length);
    await kept.ask({ do: 'turn', name: `room ${request}`, text: hello.text });
    say(`leftovers: request ${request} of ${requests}`);
  }
  // A count that cannot see agents would find none afterwards, too.
  if (working === 0) throw new Error('No agent was found while sessions were live.');
  await until(async () => (await service.health()).sessions.live === 0, { what: 'idle sessions to close' });
  await clock.sleep(size.pastTtlMs);
  const idleMb = memoryOf(treeOf(service.pid)) / megabyte;
  const left = markedProcesses(service.instance()).length;
  const keptMb = memoryOf(kept.sessionPids()) / megabyte;
  const keptAgents = kept.sessionPids().filter(isAgent).length;
  await kept.close();
  const restarted = await afterRestarts(service, home, seat);
  say(`leftovers: ${working} agents while working, ${left} past the idle time, ${restarted} after restarts`);
  const keptAlive = `${keptAgents} kept alive`;
  return {
    rows: [
      {
        what: `idle after ${requests} requests, past the idle time`,
        predecessor: '836 MB (leak) / 250 MB (its own goal)',
        ours: `${amount(idleMb, 'MB')}`,
        baseline: `${amount(keptMb, 'MB')} in ${keptAgents} sessions kept alive`,
        target: '≤ 105 MB',
        verdict: atMost(idleMb, 105, 'MB'),
      },
      {
        what: `agent processes ${Math.round(size.pastTtlMs / 1000)} s past the idle time`,
        ...{ predecessor: '5 and more', ours: `${left}`, baseline: keptAlive, target: '0' },
        verdict: atMost(left, 0, 'processes'),
      },
      {
        what: 'agent processes of earlier lives after a restart (once by SIGTERM, once by SIGKILL in the middle of turns)',
        ...{ predecessor: '5 and more', ours: `${restarted}`, baseline: '', target: '0' },
        verdict: atMost(restarted, 0, 'processes'),
      },
    ],
    plots: [],
  };
}

/** Ends the service in the middle of turns in both ways; gives how many old processes its successors still found. */
async function afterRestarts(first: Service, home: ServiceHome, seat: Seat): Promise<number> {
  let service = first;
  let left = 0;
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    const rooms = [seat.freshRoom(), seat.freshRoom()];
    const turns = rooms.map((room) =>
      seat.ask(room, { text: 'tell me something for 3 seconds', answer: 'Harbours are built' }),
    );
    const before = await until(
      () => {
        const agents = markedProcesses(service.instance()).filter(isAgent);
        return agents.length >= rooms.length && agents;
      },
      { what: 'two agents to run' },
    );
    await service.stop(signal);
    service = await startService(home);
    seat.meet(service);
    left += markedProcesses(service.instance()).filter((pid) => before.includes(pid)).length;
    await Promise.all(turns);
  }
  await service.stop();
  return left;
}
