import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { type TestContext, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { FindBot } from '../../src/config/bot.ts';
import type { Conversation } from '../../src/mail/mail.ts';
import { FencedOutError, soleOwnership } from '../../src/mail/ownership.ts';
import { RedisAwayError } from '../../src/store/redis.ts';
import type { Others } from '../../src/turns/others.ts';
import { type PlayedOwnership, playedOwnership } from '../support/ownership.ts';
import { helper, setTurns, settle, type Turns, type TurnsGiven } from '../support/turns.ts';

/** One machine of many, as its dispatcher sees it. */
interface Stage extends Turns {
  ownership: PlayedOwnership;
  rung: number[];
  passedOn: Array<[roomId: number, machine: string]>;
  settled: number[];
  lost: number[];
  others: Others & { isMine: boolean; freeOnes: string[] };
}

const here = { botId: helper.id, roomId: 5 };

function setMachine(
  t: TestContext,
  findBot: FindBot = () => helper,
  given: Pick<TurnsGiven, 'downloads'> = {},
): Stage {
  const ownership = playedOwnership();
  const rung: number[] = [];
  const passedOn: Stage['passedOn'] = [];
  const settledRooms: number[] = [];
  const lost: number[] = [];
  const others: Stage['others'] = {
    isMine: false,
    freeOnes: [],
    isMyLook: async () => others.isMine,
    free: () => others.freeOnes,
    passOn: ({ roomId }: Conversation, machine) => void passedOn.push([roomId, machine]),
    found: ({ roomId }) => void rung.push(roomId),
    settled: ({ roomId }) => void settledRooms.push(roomId),
  };
  const turns = setTurns(t, helper, {
    machines: { ownership, others, onLost: ({ roomId }) => lost.push(roomId) },
    findBot,
    ...given,
  });
  // Not spread: pool and dispatcher are the current ones.
  return Object.assign(Object.create(turns), {
    ownership,
    rung,
    passedOn,
    settled: settledRooms,
    lost,
    others,
  }) as Stage;
}

async function collectGarbage(): Promise<void> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let round = 0; round < 3; round++) {
    collect();
    await settle();
  }
}

/** Lets what runs come up and end, with everything behind it. */
async function finish({ agents }: Turns): Promise<void> {
  for (let round = 0; round < 10; round++) {
    for (const agent of agents) {
      agent.comeUp();
      agent.finish();
    }
    await settle();
  }
}

test('a conversation that another machine has is not touched, its words neither', async (t) => {
  const machine = setMachine(t);
  machine.ownership.elsewhere.add(5);
  await machine.say('a question');
  await machine.say('stop', { authorId: 2 });
  await finish(machine);
  assert.equal(machine.agents.length, 0);
  assert.deepEqual(await machine.sent(), []);
  const { waiting, atOnce, turn } = await machine.mail.situation(here);
  assert.deepEqual([waiting.length, atOnce.length, turn], [1, 1, null]);
});

test('a turn whose right is lost ends with its session and writes nothing', async (t) => {
  const machine = setMachine(t);
  await machine.say('a question');
  machine.agents[0]?.comeUp();
  await settle();
  assert.notEqual((await machine.mail.situation(here)).turn, null);
  machine.ownership.take(5);
  await finish(machine);
  assert.equal(machine.agents[0]?.closed, true);
  assert.deepEqual(await machine.sent(), []);
  assert.equal((await machine.mail.situation(here)).turn?.attempt, 1, 'undecided, for the other machine');
  assert.ok(machine.events.some(({ type }) => type === 'conversation.lost'));
  assert.deepEqual(machine.lost, [5]);
  assert.deepEqual(machine.settled, []);
  assert.equal(machine.ownership.holders, 0);
});

test('a turn whose end is refused before anybody told that its right is lost ends with its session', async (t) => {
  const ofTurn = async () => {
    throw new FencedOutError('another machine has it');
  };
  const machine = setMachine(t, () => helper, { downloads: { ofTurn } });
  await machine.say('a question');
  await finish(machine);
  assert.equal(machine.agents[0]?.closed, true);
  assert.deepEqual(machine.lost, [5]);
  assert.equal(machine.events.filter(({ type }) => type === 'conversation.lost').length, 1);
  assert.equal(machine.ownership.holders, 0);
});

test('a right that is never lost collects nothing of those who had it', async (t) => {
  const machine = setMachine(t);
  const sole = soleOwnership('this one');
  machine.ownership.hold = sole.hold;
  const { lost } = (await sole.hold(here)) ?? assert.fail();
  await machine.say('a question');
  await machine.say('one more', { roomId: 6, authorId: 2 });
  assert.equal(getEventListeners(lost, 'abort').length, 2);
  await collectGarbage();
  await finish(machine);
  assert.equal(getEventListeners(lost, 'abort').length, 0);
});

test('a turn that was served here is best followed here', async (t) => {
  const machine = setMachine(t);
  await machine.say('a question');
  await finish(machine);
  assert.deepEqual(await machine.sent(), ['done']);
  assert.deepEqual(machine.settled, [5]);
  assert.equal(machine.ownership.holders, 0, 'let go of between turns');
});

test('whoever looks for all tells others of what it finds; nobody else looks', async (t) => {
  const machine = setMachine(t);
  machine.ownership.elsewhere.add(5);
  await machine.say('a question');
  machine.clock.advance(4_000);
  await settle();
  assert.deepEqual(machine.rung, []);
  machine.others.isMine = true;
  machine.clock.advance(2_000);
  await settle();
  assert.deepEqual(machine.rung, [5]);
});

test('who waits here for a session goes where one is free, and only then', async (t) => {
  const machine = setMachine(t);
  machine.memory.availableBytes = 0;
  await machine.say('a question');
  await machine.say('one more', { roomId: 6, authorId: 2 });
  assert.equal(machine.pool.waiting().length, 2);
  machine.clock.advance(10_000);
  await settle();
  assert.deepEqual(machine.passedOn, []);
  machine.others.freeOnes = ['two'];
  machine.clock.advance(2_000);
  await settle();
  assert.deepEqual(machine.passedOn, [
    [5, 'two'],
    [6, 'two'],
  ]);
  assert.equal(machine.pool.waiting().length, 0);
  assert.equal((await machine.mail.situation({ botId: helper.id, roomId: 6 })).waiting.length, 1);
});

test('sent to another machine in the moment in which the turn begins, it has not tried', async (t) => {
  const machine = setMachine(t);
  const gate = Promise.withResolvers<void>();
  const { mail } = machine;
  const begin = mail.begin.bind(mail);
  mail.begin = async (conversation) => {
    await gate.promise;
    return begin(conversation);
  };
  machine.others.freeOnes = ['two'];
  await machine.say('a question');
  await finish(machine);
  machine.clock.advance(6_000);
  await settle();
  gate.resolve();
  await finish(machine);
  assert.deepEqual(machine.passedOn, [[5, 'two']]);
  assert.equal((await mail.situation(here)).turn?.attempt, 0);
});

test('a visit ends when the turn runs; a short one does what cannot wait and begins nothing', async (t) => {
  const machine = setMachine(t);
  machine.ownership.elsewhere.add(5);
  await machine.say('a question');
  await machine.say('status', { authorId: 2 });
  machine.ownership.elsewhere.clear();
  machine.memory.availableBytes = 0;
  let over = false;
  void machine.dispatcher.visit(here, true).then(() => {
    over = true;
  });
  await settle();
  assert.match((await machine.sent()).join(), /waiting|not working/i);
  await finish(machine);
  assert.equal(over, true);
});

test('without the bot’s file a conversation is left to a machine that has it, in every lane', async (t) => {
  let found: ReturnType<FindBot> = 'elsewhere';
  const machine = setMachine(t, () => found);
  await machine.say('a question');
  await machine.say('stop', { authorId: 2 });
  await settle();
  const situation = async () => {
    const { waiting, atOnce, turn } = await machine.mail.situation(here);
    return [waiting.length, atOnce.length, turn];
  };
  assert.deepEqual(await situation(), [1, 1, null]);
  assert.equal(machine.ownership.holders, 0, 'another machine can take it');
  const tries = machine.ownership.asked;
  await machine.dispatcher.visit(here, true);
  assert.equal(machine.ownership.asked, tries, 'it rests here');
  found = helper;
  machine.clock.advance(6_000);
  await machine.dispatcher.visit(here, true);
  await finish(machine);
  assert.ok((await machine.sent()).includes('done'));
});

test('a turn that finishes while Redis is away is decided when it is back', async (t) => {
  const { machine, comeBack } = setAway(t);
  await machine.say('a question');
  await finish(machine);
  assert.deepEqual(await machine.sent(), []);
  comeBack();
  machine.clock.advance(3_000);
  await settle();
  assert.deepEqual(await machine.sent(), ['done']);
  assert.equal(machine.events.filter(({ type }) => type === 'turn.started').length, 1);
});

test('a turn that finishes while Redis stays away is left undecided, and its answer is not lost', async (t) => {
  const { machine, comeBack } = setAway(t);
  await machine.say('a question');
  await finish(machine);
  for (let seconds = 0; seconds < 130; seconds++) {
    machine.clock.advance(1_000);
    await settle();
  }
  assert.notEqual((await machine.mail.situation(here)).turn, null);
  assert.equal(machine.ownership.holders, 0, 'another machine can take it');
  comeBack();
  machine.clock.advance(60_000);
  void machine.dispatcher.visit(here, true);
  await settle();
  await finish(machine);
  assert.deepEqual(await machine.sent(), ['done']);
});

/** A machine that cannot ask for a turn's files until Redis comes back. */
function setAway(t: TestContext) {
  let isAway = true;
  const ofTurn = async () => {
    if (isAway) throw new RedisAwayError('Redis does not answer');
    return [];
  };
  return {
    machine: setMachine(t, () => helper, { downloads: { ofTurn } }),
    comeBack: () => {
      isAway = false;
    },
  };
}
