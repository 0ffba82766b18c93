import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, type TestContext, test } from 'node:test';
import { emptyLatencies, hotVerdict, type Latencies, measureHot } from '../../bench/measure/latency.ts';
import { isAgent, markedProcesses, memoryOf, treeOf } from '../../bench/stage/processes.ts';
import { type Raw, startRaw } from '../../bench/stage/raw.ts';
import { layOut, type Service, startService } from '../../bench/stage/service.ts';
import { hello, openWorld, type Seat } from '../../bench/stage/world.ts';
import { summarise } from '../../bench/stats.ts';
import { runIn } from '../house/tools.ts';
import { tempFolder } from '../support/temp.ts';

/** The benchmark at its smallest: the built service and the raw SDK beside each other, with real agents. */

const checkout = join(import.meta.dirname, '../..');
/** A turn that the scripted model draws out by a second. */
const slow = { text: 'tell me something for 1 seconds', answer: 'Harbours are built' };

interface Bench {
  seat: Seat;
  service: Service;
  raw: Raw;
  room: number;
}

async function setUp(t: TestContext): Promise<Bench> {
  const folder = tempFolder(t);
  const world = await openWorld();
  t.after(() => world.close());
  const seat = world.seat('plain');
  const home = {
    folder: join(folder, 'service'),
    bot: seat.bot,
    checkout,
    env: { ...world.env, SPARE_SESSIONS: '0' },
  };
  layOut(home);
  const service = await startService(home);
  t.after(() => service.stop());
  seat.meet(service);
  const raw = startRaw(join(folder, 'raw'), world.env);
  t.after(() => raw.close());
  const room = seat.freshRoom();
  await seat.ask(room, hello);
  await raw.ask({ do: 'turn', name: 'hot', text: hello.text });
  return { seat, service, raw, room };
}

describe('bin/bench', () => {
  before(async () => {
    const { code, said } = await runIn(checkout, 'bin/build', []);
    assert.equal(code, 0, said);
  });

  test('measures both sides: whichever is slowed down shows it, and the verdict turns', async (t) => {
    const bench = await setUp(t);
    const measured = async (ours: typeof hello, raw: string): Promise<Latencies> => {
      const found = emptyLatencies();
      await measureHot(found, { ...bench, asked: { ours, raw }, turns: 2 });
      return found;
    };
    const ourSideSlow = await measured(slow, hello.text);
    assert.ok(summarise(ourSideSlow.ours.hot).median >= 1000, 'the drawn-out second is in the number');
    assert.equal(hotVerdict(ourSideSlow).kind, 'missed');
    const baselineSlow = await measured(hello, slow.text);
    assert.ok(summarise(baselineSlow.raw.hot).median >= 1000, 'and in the baseline’s');
    assert.equal(hotVerdict(baselineSlow).kind, 'met');
  });

  test('sees the memory and the agents of a live session, and that they are gone', async (t) => {
    const { service, raw, seat, room } = await setUp(t);
    const agents = () => markedProcesses(service.instance()).filter(isAgent);
    assert.equal(agents().length, 1);
    assert.equal(raw.sessionPids().filter(isAgent).length, 1);
    const withAgent = memoryOf(treeOf(service.pid));
    assert.ok(
      withAgent > memoryOf([service.pid]) + memoryOf(agents()) * 0.9,
      'the agent is part of the tree',
    );
    await service.closeSession(room);
    assert.deepEqual(markedProcesses(service.instance()), []);
    assert.ok(memoryOf(treeOf(service.pid)) < withAgent / 1.5);
    assert.ok((await seat.ask(room, hello)) > 0, 'and the conversation goes on');
  });

  test('says what it can do, and refuses what it cannot', async () => {
    const help = await runIn(checkout, 'bin/bench', ['--help']);
    assert.equal(help.code, 0);
    assert.match(help.said, /--quick[\s\S]+--only <sections>[\s\S]+latency/);
    const wrong = await runIn(checkout, 'bin/bench', ['--only', 'latency,colour']);
    assert.notEqual(wrong.code, 0);
    assert.match(wrong.said, /"colour" is none of idle, /);
  });
});
