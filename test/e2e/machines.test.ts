import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { systemClock as clock } from '../../src/lib/clock.ts';
import type { Message } from '../../src/playground/records.ts';
import { eventually } from '../support/eventually.ts';
import { type MachineStage, setMachines } from '../support/machines.ts';
import type { Service } from '../support/service.ts';

/** Real services, each as a machine of its own, on one real Redis: what happens to conversations when things fail. */

/** Two messages of one person within five seconds would be one turn, and one may send 60 a minute. */
const load = { first: 20, rooms: 12, pauseMs: 7_000 / 12, people: 4 };

describe('three machines on one Redis', () => {
  const undo: Array<() => unknown> = [];
  let stage: MachineStage;
  const machines: Record<string, Service> = {};
  /** Every life of every machine. */
  const lives: Service[] = [];
  const all = () => Object.values(machines);
  const allBut = (...some: Service[]) => all().filter((machine) => !some.includes(machine));

  before(async () => {
    stage = await setMachines({ after: (step) => undo.unshift(step) }, { rooms: 32 });
    await Promise.all(['one', 'two', 'three'].map(start));
    await eventually('they know each other', async () => {
      const healths = await Promise.all(all().map((machine) => machine.health()));
      return healths.every((health) => 'machines' in health && health.machines === 3);
    });
  });
  after(async () => {
    for (const step of undo) await step();
  });

  async function start(name: string): Promise<Service> {
    const machine = await stage.machine(name);
    machines[name] = machine;
    lives.push(machine);
    stage.route(...all());
    return machine;
  }

  test('a conversation stays where its session is, whoever takes the webhook; any machine lists and closes it', async () => {
    stage.say(1, 'remember the harbour code is heron');
    await stage.answers(1, 1);
    const home = await runsIn(1, all());
    const [other] = allBut(home) as [Service];
    stage.route(...allBut(home));
    stage.say(1, 'hello');
    await stage.answers(1, 2);
    assert.deepEqual(pathsIn(home, 1), ['opened', 'hot']);
    await eventually('another machine lists it', async () =>
      (await other.sessions()).some(({ id }) => id === '1:assistant'),
    );
    assert.equal(await other.closeSession('1:assistant'), 200);
    assert.equal((await home.health()).sessions.live, 0);
    assert.equal(await other.closeSession('1:assistant'), 404);
  });

  test('stop works from any machine, at once', async () => {
    stage.say(2, 'tell me something for 60 seconds');
    const busy = await runsIn(2, all());
    stage.route(...allBut(busy));
    const saidMs = clock.monotonicMs();
    stage.say(2, 'stop', 1);
    const [stopped] = await stage.answers(2, 1);
    assert.match(textOf(stopped), /^Stopped my work/);
    assert.ok(clock.monotonicMs() - saidMs < 3_000);
    stage.route(...all());
  });

  test('Redis is killed and comes back: what was taken is answered, what was not is fetched', async () => {
    const [one] = all() as [Service];
    const taken = stage.say(3, 'tell me something for 3 seconds');
    await runsIn(3, all());
    await stage.redis.kill();
    await eventually('it is seen', async () => (await fetch(`${one.url}/ready`)).status === 503);
    assert.equal((await one.health()).status, 'redis_away');
    const refused = stage.say(1, 'are you there?');
    await eventually('its webhook is refused', () => stage.statuses.includes(503));
    await stage.redis.start();
    await stage.answers(3, 1, 30_000);
    await stage.answers(1, 3, 30_000);
    await nothingLeft(one);
    assert.deepEqual([answersTo(taken), answersTo(refused)], [1, 1]);
  });

  test('one is killed and one stopped in the middle of a turn: the third answers, and nobody else does', async (t) => {
    const calls = stage.model.calls;
    const asleep = stage.say(12, 'tell me something for 60 seconds');
    const sleeper = await runsIn(12, all());
    const killed = await sayElsewhere(sleeper);
    const victim = await runsIn(killed.roomId, all());
    await eventually('both models are asked', () => stage.model.calls >= calls + 2);
    const sinceMs = clock.monotonicMs();
    sleeper.child.kill('SIGSTOP');
    victim.child.kill('SIGKILL');
    stage.route(...allBut(sleeper, victim));
    stage.model.skipPacing();
    for (const { roomId } of [asleep, killed]) await stage.answers(roomId, 1, 30_000);
    const tookMs = clock.monotonicMs() - sinceMs;
    t.diagnostic(`answered after ${Math.round(tookMs)} ms`);
    assert.ok(tookMs < 15_000, `${tookMs} ms`);
    sleeper.child.kill('SIGCONT');
    await eventually('it hears that it has lost', () => sleeper.events('conversation.lost').length > 0);
    await eventually('its session is gone', () =>
      sleeper.events('session.closed').some(({ session }) => session === '12:assistant'),
    );
    await nothingLeft(sleeper);
    assert.deepEqual([answersTo(asleep), answersTo(killed)], [1, 1]);
    const answers = sleeper.events('delivery.sent').filter(({ ordinal }) => ordinal === 0);
    assert.deepEqual(
      answers.filter(({ session }) => session === '12:assistant'),
      [],
    );
    await start(nameOf(victim));
  });

  test('restarted one by one under load: nothing is lost, nothing is doubled, memory is kept', async (t) => {
    const said: Message[] = [];
    const enough = new AbortController();
    const talking = (async () => {
      for (let n = 0; !enough.signal.aborted; n++) {
        said.push(stage.say(load.first + (n % load.rooms), `question ${n}`, 1 + (n % load.people)));
        await clock.sleep(load.pauseMs, enough.signal);
      }
    })();
    try {
      for (const [name, old] of Object.entries(machines)) {
        stage.route(...allBut(old));
        assert.equal(await old.stop(), 0);
        await start(name);
      }
    } finally {
      enough.abort();
      await talking;
    }
    await stage.campfire.webhooks.settled();
    for (const machine of all()) await nothingLeft(machine);
    for (const message of said) assert.equal(answersTo(message), 1, `message ${message.id}`);
    const longestMs = Math.max(...waitsOf(said, lives));
    // Starts take seconds where everything shares two cores; longer than a dead machine's turn nobody waits.
    assert.ok(longestMs < 15_000, `${longestMs} ms`);
    stage.say(1, 'what did I tell you?');
    const [, , , told] = await stage.answers(1, 4);
    assert.match(textOf(told), /heron/);
    t.diagnostic(`${said.length} messages, the longest wait ${longestMs} ms`);
  });

  function nameOf(machine: Service): string {
    return Object.keys(machines).find((name) => machines[name] === machine) ?? '';
  }

  /** A long question in a room of which another machine begins the turn. */
  async function sayElsewhere(than: Service): Promise<Message> {
    for (let room = 13; room <= 19; room++) {
      const message = stage.say(room, 'tell me something for 60 seconds');
      if ((await runsIn(room, all())) !== than) return message;
    }
    throw new Error('The same machine takes everything.');
  }

  /** How many answers to a message stand in its room. */
  function answersTo({ id, roomId }: Message): number {
    const mark = new RegExp(`class="m${id}-0\\b`);
    return stage.answersIn(roomId).filter(({ html }) => mark.test(html ?? '')).length;
  }
});

/** The machine on which a turn of the room has begun. */
function runsIn(room: number, machines: readonly Service[]): Promise<Service> {
  return eventually(`a turn in room ${room}`, () =>
    machines.find((machine) => pathsIn(machine, room).length > 0),
  );
}

function pathsIn(machine: Service, room: number): unknown[] {
  const begun = machine.events('turn.started').filter(({ session }) => session === `${room}:assistant`);
  return begun.map(({ path }) => path);
}

/** How long messages waited for a machine, a session and its start, in ms, while no earlier turn of theirs was in work. */
function waitsOf(said: readonly Message[], lives: readonly Service[]): number[] {
  const meant = new Set(said.map(({ roomId }) => `${roomId}:assistant`));
  const all = lives.flatMap((life) => [...life.events('turn.started'), ...life.events('turn.decided')]);
  const events = all.filter(({ session }) => meant.has(String(session)));
  const inOrder = events.sort((one, other) => Number(one.time) - Number(other.time));
  const freeSince = new Map<unknown, number>();
  return inOrder.flatMap(({ event, session, time, waitedMs }) => {
    const free = freeSince.get(session) ?? 0;
    if (event === 'turn.decided') freeSince.set(session, Number(time));
    return event === 'turn.decided' ? [] : [Math.min(Number(waitedMs), Number(time) - free)];
  });
}

function nothingLeft(machine: Service): Promise<unknown> {
  return eventually(
    'nothing to be left',
    async () => {
      const { messages_without_outcome: open } = await machine.health();
      return open === 0 && (await machine.metric('outbox_undelivered')) === 0;
    },
    30_000,
  );
}

function textOf(message: Message | undefined): string {
  return (message?.html ?? '')
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}
