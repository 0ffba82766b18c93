import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSharedSource, type ManyMachines } from '../../src/console/shared-source.ts';
import type { MachineSeen } from '../../src/console/source.ts';
import type { SessionSnapshot } from '../../src/sessions/parts.ts';
import type { SessionName } from '../../src/telemetry/events.ts';
import { testClock } from '../support/clock.ts';
import { type ConsoleStage, emptyWorld, stageSecret, stageSource } from '../support/console-stage.ts';

const seen: MachineSeen = {
  ...{ label: 'one', version: '0.1.0', role: 'all', state: 'open', startedAt: 1, seenAt: null },
  memory: { usedBytes: 1, limitBytes: 2, percent: 50 },
};
const live = (id: SessionName, state = 'idle'): SessionSnapshot => ({
  ...{ id, state, pid: 5, turns: 1, idleSeconds: 3, memoryBytes: 1 },
});

/** Two machines whose consoles are real, and as many more as a test says; seen from the first. */
function setMachines({ showText = true } = {}) {
  const clock = testClock();
  const stages: Record<string, ConsoleStage> = {};
  for (const name of ['one', 'two']) stages[name] = stageSource({ ...emptyWorld(), showText: true });
  const { one, two } = stages as { one: ConsoleStage; two: ConsoleStage };
  const state = { rows: [seen, { ...seen, label: 'two' }], answers: true, asked: 0, closed: [] as string[] };
  const machines: ManyMachines = {
    rows: () => state.rows,
    sessions: async () =>
      Object.entries(stages).flatMap(([machine, { world }]) =>
        world.sessions.map((session) => ({ ...session, machine })),
      ),
    async looks(limits) {
      state.asked++;
      if (!state.answers) return new Map();
      // As it comes over the wire.
      return new Map([['two', JSON.parse(JSON.stringify(await two.source.share(limits)))]]);
    },
    async closeSession(id) {
      state.closed.push(id);
      return 'closed';
    },
  };
  const source = createSharedSource({ local: one.source, machines, showText, clock });
  return { ...{ source, one, two, state, clock } };
}

const session = '7:helper';

/** A turn that was asked for through one machine and runs on another. */
function ask(through: ConsoleStage, on: ConsoleStage, turn: string): void {
  through.source.heard('helper', { roomId: 7, roomName: 'HQ', messageId: 3, plain: `how? ${stageSecret}` });
  on.source.hear({
    ...{ type: 'turn.started', session, turn, messageIds: [3], attempt: 1, path: 'hot', waitedMs: 1 },
  });
  on.source.hear({ type: 'turn.step', session, turn, tool: 'Read' });
}

test('sessions, turns and events of all machines, each with its machine, and what any of them heard', async () => {
  const { source, one, two } = setMachines();
  one.world.sessions = [live('1:helper')];
  two.world.sessions = [live('1:helper'), live(session, 'busy')];
  ask(one, two, '4');
  two.source.hear({ type: 'spare.parked', bot: 'helper', openMs: 5 });
  const { sessions, turns, events, machines } = await source.snapshot();
  assert.deepEqual(
    sessions.map(({ id, machine, room, step }) => [id, machine, room, step]),
    [
      ['1:helper', 'one', null, null],
      ['1:helper', 'two', null, null],
      [session, 'two', 'HQ', 'Read'],
    ],
  );
  assert.deepEqual(
    turns.map(({ key, machine, room, text, tools }) => [key, machine, room, text, tools.get('Read')]),
    [['t4 two', 'two', 'HQ', 'how? [redacted]', 1]],
  );
  assert.deepEqual(
    events.map(({ event, machine }) => [event.type, machine]),
    [['spare.parked', 'two']],
  );
  assert.deepEqual(
    machines.map(({ label, live: count, busy }) => [label, count, busy]),
    [
      ['one', 1, 0],
      ['two', 2, 1],
    ],
  );
});

test('the other way round: asked elsewhere, run here; texts only where this operator wants them', async () => {
  for (const showText of [true, false]) {
    const { source, one, two } = setMachines({ showText });
    ask(two, one, '5');
    const { turns } = await source.snapshot();
    assert.deepEqual(
      turns.map(({ key, machine, room, text }) => [key, machine, room, text]),
      [['t5', 'one', 'HQ', showText ? 'how? [redacted]' : null]],
    );
  }
});

test('others are asked every few seconds at most; one that does not answer keeps its sessions', async () => {
  const { source, two, state, clock } = setMachines();
  two.world.sessions = [live(session)];
  ask(two, two, '4');
  await source.snapshot();
  await source.snapshot();
  assert.equal(state.asked, 1);
  state.answers = false;
  clock.advance(3_000);
  assert.equal((await source.snapshot()).turns.length, 1, 'as it was');
  assert.equal(state.asked, 2);
  clock.advance(11_000);
  const { turns, sessions, troubles } = await source.snapshot();
  assert.deepEqual(
    [turns.length, sessions.map(({ id, machine }) => `${id} ${machine}`)],
    [0, ['7:helper two']],
  );
  assert.match(troubles.map(({ problem }) => problem).join(), /Turns and events of two are not here/);
});

test('a machine of another version shows its sessions alone, one that is missing is told of', async () => {
  const { source, two, state } = setMachines();
  two.world.sessions = [live(session)];
  ask(two, two, '4');
  const missing = { ...seen, label: 'three', state: 'missing', memory: null, seenAt: 42 } as const;
  state.rows = [{ ...seen, version: '0.2.0' }, state.rows[1] as MachineSeen, missing];
  // What is compared is the version of what came.
  const { share } = two.source;
  two.source.share = async (limits) => ({ ...((await share(limits)) as object), version: '0.0.9' });
  const { turns, sessions, troubles, machines } = await source.snapshot();
  assert.deepEqual([turns.length, sessions.length, machines.length], [0, 1, 3]);
  assert.deepEqual(
    troubles.map(({ level, problem, since }) => [level, problem, since]),
    [
      ['warn', '2 of 3 machines are there: nothing is heard of three.', 42],
      ['note', 'Turns and events of two are not here.', null],
    ],
  );
});

test('what another machine alone suffers from is told with its name', async () => {
  const { source, one, two } = setMachines();
  const unhealthy = { state: 'unhealthy', since: 1, probes: 1, probeAt: 1 } as const;
  for (const { world } of [one, two])
    world.campfire = { ...unhealthy, problem: 'Campfire is not there', remedy: 'Start it.' };
  two.world.storage = { kind: 'full', freeBytes: 1 };
  const { troubles } = await source.snapshot();
  assert.deepEqual(
    troubles.map(({ problem }) => problem),
    ['Campfire is not there.', 'two: No messages are accepted: the disk is full.'],
  );
});

test('a machine that is alone is shown as ever, and a session is closed wherever it is', async () => {
  const { source, one, state } = setMachines();
  state.rows = [seen];
  one.world.sessions = [live(session)];
  const snapshot = await source.snapshot();
  assert.deepEqual([snapshot.machines, snapshot.sessions[0]?.machine, state.asked], [[], undefined, 0]);
  assert.equal(await source.closeSession('9:helper'), true);
  assert.deepEqual(state.closed, ['9:helper']);
});
