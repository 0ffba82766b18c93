import assert from 'node:assert/strict';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { isAgent, memoryOf, treeOf } from '../../bench/stage/processes.ts';
import { checkout, runIn } from '../house/tools.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import type { Service } from '../support/service.ts';
import { setStage } from '../support/stage.ts';

/**
 * The old service's four manual tests, which it was not able to pass: sub-processes are cleaned up, memory stays after ten
 * requests, a long task is not killed, a restart leaves nothing. Then its two scripts, against a service that runs.
 */

/** A spare belongs to no conversation; where agents are counted there shall be none. */
const noSpares = { SPARE_SESSIONS: '0' };
const ttl = { SESSION_TTL_SECONDS: '2' };
const megabyte = 1024 * 1024;

/** Pids of `claude` itself below the service. */
function agentsOf({ child }: Service): number[] {
  return treeOf(child.pid ?? 0).filter(isAgent);
}

const noAgents = (service: Service) =>
  eventually('no agent to be left', () => agentsOf(service).length === 0, 20_000);

describe('the old service’s tests', { concurrency: true }, () => {
  test('1 and 2: after ten requests no agent is left past the idle time, and the service is as small as before', async (t) => {
    const stage = await setStage(t, { rooms: 10 });
    const service = await stage.start({ ...ttl, ...noSpares });
    const memoryMb = () => memoryOf([service.child.pid ?? 0]) / megabyte;
    // The first request loads what every later one needs.
    stage.say(1, 'hello');
    await stage.answers(1, 1);
    await noAgents(service);
    const beforeMb = memoryMb();
    let seen = 0;
    for (let room = 1; room <= 10; room++) {
      stage.say(room, `request ${room}`);
      await stage.answers(room, room === 1 ? 2 : 1);
      seen = Math.max(seen, agentsOf(service).length);
    }
    assert.ok(seen > 0, 'agents were seen at work');
    await noAgents(service);
    assert.ok(memoryMb() < beforeMb + 25, `${memoryMb()} MB after, ${beforeMb} MB before`);
    await eventually('every close to be told', () => service.events('session.closed').length === 11);
    assert.equal(await service.stop(), 0);
  });

  test('3: a long task with tools, time and a very long answer is done by one agent that is not killed', async (t) => {
    const stage = await setStage(t);
    const service = await stage.start(noSpares);
    stage.say(1, 'Write a note into a file and read it back');
    await stage.answers(1, 1);
    const [agent] = agentsOf(service);
    stage.say(1, 'tell me something for 4 seconds');
    await stage.answers(1, 2);
    stage.say(1, 'Give me a huge answer');
    const answers = await stage.answers(1, 4);
    assert.ok((answers.at(-1)?.attachment?.size ?? 0) > 40_000, 'the whole answer arrived as a file');
    assert.deepEqual(agentsOf(service), [agent]);
    assert.deepEqual([...service.events('session.died'), ...service.events('turn.retried')], []);
    assert.equal(await service.stop(), 0);
  });

  test('4: a restart leaves no agent of the earlier life, whether it was asked to end or killed', async (t) => {
    const rooms = [1, 2, 3];
    const stage = await setStage(t, { rooms: rooms.length });
    let service = await stage.start(noSpares);
    for (const [round, signal] of (['SIGTERM', 'SIGKILL'] as const).entries()) {
      for (const room of rooms) stage.say(room, 'hello');
      await Promise.all(rooms.map((room) => stage.answers(room, round + 1)));
      const agents = agentsOf(service);
      assert.equal(agents.length, rooms.length);
      await service.stop(signal);
      service = await stage.start(noSpares);
      const left = agents.filter(isAgent);
      assert.deepEqual(left, []);
      assert.deepEqual(agentsOf(service), []);
    }
    await service.stop();
  });
});

describe('the scripts for operators', { concurrency: true }, () => {
  const run = (script: string, ...args: string[]) => runIn(checkout, `scripts/${script}.sh`, args);

  test('test_memory_leak.sh passes on a running service, its restart included', async (t) => {
    const stage = await setStage(t, { rooms: 3 });
    const env = { ...ttl, PORT: String(await freePort()), SPARE_SESSIONS: '1' };
    let service = await stage.start(env);
    const pidFile = join(stage.home.dataDir, 'service.pid');
    const asked = join(stage.home.dataDir, 'restart-please');
    const restart = `touch '${asked}'; while [ -e '${asked}' ]; do sleep 0.1; done`;
    const running = run(
      'test_memory_leak',
      ...['--url', service.url, '--pid', pidFile, '--rooms', '3', '--requests', '5', '--ttl', '2'],
      ...['--task', 'tell me something for 2 seconds', '--restart', restart],
    );
    await eventually('the script to ask for a restart', () => existsSync(asked), 60_000);
    await service.stop();
    service = await stage.start(env);
    rmSync(asked);
    const { code, said } = await running;
    assert.equal(code, 0, said);
    assert.match(said, /PASS {2}5 of 5 requests came to an end/);
    assert.match(said, /PASS {2}agents were seen at work: [1-4] at most/);
    assert.match(said, /PASS {2}no agent is left \(spares apart\) \d+ s after the last answer/);
    assert.match(said, /PASS {2}\d+ MB before, \d+ MB after 5 requests/);
    assert.match(said, /PASS {2}none of [12] earlier agents is left\n\nPASS: everything held\.\n$/);
    await service.stop();
  });

  test('both see what stays: an agent beyond the idle time fails, and only `claude` itself is counted', async (t) => {
    const stage = await setStage(t);
    const service = await stage.start(noSpares);
    const pid = String(service.child.pid);
    const leak = await run(
      'test_memory_leak',
      ...['--url', service.url, '--pid', pid, '--requests', '1', '--ttl', '1', '--past-ttl', '1'],
      ...['--task', 'hello', '--growth-mb', '200'],
    );
    assert.equal(leak.code, 1, leak.said);
    assert.match(leak.said, /FAIL {2}1 agents are left/);
    assert.match(leak.said, /FAIL: 1 did not hold\.\n$/);
    const watch = ['--pid', pid, '--duration', '1', '--interval', '1'];
    const calm = await run('monitor_subprocesses', ...watch, '--max-agents', '1', '--max-mb', '2000');
    assert.equal(calm.code, 0, calm.said);
    assert.match(calm.said, /At most 1 agents, 0 zombies and \d{3} MB/);
    const strict = await run('monitor_subprocesses', ...watch, '--none-at-end', '--max-mb', '50');
    assert.equal(strict.code, 1, strict.said);
    assert.match(strict.said, /FAIL {2}MB in the whole tree: \d+ \(limit 50\)\nFAIL {2}agents at the end: 1/);
    await service.stop();
  });

  test('what cannot be measured is neither passed nor failed', async () => {
    const file = join(checkout, 'package.json');
    for (const [args, why] of [
      [['--url', 'http://127.0.0.1:1', '--pid', '999999999'], /There is no process 999999999/],
      [['--url', 'http://127.0.0.1:1', '--pid', file], /is no process id/],
      [['--pid', '1'], /Tell where the service answers/],
      [['--url', 'http://127.0.0.1:1', '--pid', '1', '--ttl', 'soon'], /--ttl must be a whole number/],
    ] as const) {
      const { code, said } = await run('test_memory_leak', ...args);
      assert.equal(code, 2, said);
      assert.match(said, why);
    }
  });
});
