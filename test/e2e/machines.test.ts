import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock as clock } from '../../src/lib/clock.ts';
import type { Message } from '../../src/playground/records.ts';
import { eventually } from '../support/eventually.ts';
import { type MachineStage, setMachines } from '../support/machines.ts';
import type { Service } from '../support/service.ts';

/** Real services, each as a machine of its own, on one real Redis. */

const textOf = ({ html }: Message) =>
  (html ?? '')
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();

/** The machine that runs a turn of the room at present. */
const runningAt = (room: number, machines: readonly Service[]) =>
  eventually(`a turn in room ${room}`, async () => {
    for (const machine of machines) if (startsIn(machine, room).length > 0) return machine;
    return null;
  });

const startsIn = (machine: Service, room: number) =>
  machine.events('turn.started').filter(({ session }) => session === `${room}:assistant`);

const nothingLeft = (machine: Service) =>
  eventually('nothing to be left', async () => {
    const { messages_without_outcome: open } = await machine.health();
    return open === 0 && (await machine.metric('outbox_undelivered')) === 0;
  });

const three = async (stage: MachineStage): Promise<[Service, Service, Service]> => {
  const machines = await Promise.all(['one', 'two', 'three'].map((name) => stage.machine(name)));
  stage.route(...machines);
  await eventually('they know each other', async () => {
    const healths = await Promise.all(machines.map((machine) => machine.health()));
    return healths.every((health) => 'machines' in health && health.machines === 3);
  });
  return machines as [Service, Service, Service];
};

test('any machine takes webhooks; a conversation stays where its session is; words reach it from anywhere', async (t) => {
  const stage = await setMachines(t, { rooms: 4 });
  const machines = await three(stage);
  stage.say(1, 'hello');
  await stage.answers(1, 1);
  const home = await runningAt(1, machines);
  const others = machines.filter((machine) => machine !== home) as [Service, Service];
  // Each of the others takes one; the session is at home.
  stage.route(...others);
  for (const answered of [2, 3]) {
    stage.say(1, 'tell me something for 1 second', 1);
    await stage.answers(1, answered);
  }
  assert.deepEqual(
    startsIn(home, 1).map(({ path }) => path),
    ['opened', 'hot', 'hot'],
  );
  for (const machine of machines) {
    const listed = await machine.sessions();
    assert.deepEqual(
      listed.map(({ id }) => id),
      ['1:assistant'],
      'every machine lists the sessions of all',
    );
  }

  stage.say(2, 'tell me something for 60 seconds');
  const busy = await runningAt(2, machines);
  await eventually('the model to be asked', () => stage.model.calls >= 4);
  stage.route(...machines.filter((machine) => machine !== busy));
  const saidMs = clock.monotonicMs();
  stage.say(2, 'stop');
  const [stopped] = await stage.answers(2, 1);
  assert.match(textOf(stopped as Message), /^Stopped my work/);
  assert.ok(clock.monotonicMs() - saidMs < 3_000, 'within a moment');

  assert.equal(await others[0].closeSession('1:assistant'), 200);
  await eventually('the session is gone at home', async () =>
    (await home.sessions()).every(({ id }) => id !== '1:assistant'),
  );
  assert.equal(await others[0].closeSession('1:assistant'), 404);
  await nothingLeft(home);
});

test('killed in the middle of a turn, another machine finishes it', async (t) => {
  const stage = await setMachines(t, { rooms: 2 });
  const machines = await three(stage);
  const asked = stage.say(1, 'tell me something for 30 seconds');
  const victim = await runningAt(1, machines);
  await eventually('the model to be asked', () => stage.model.calls === 1);
  const killedMs = clock.monotonicMs();
  victim.child.kill('SIGKILL');
  stage.model.skipPacing();
  const survivors = machines.filter((machine) => machine !== victim);
  stage.route(...survivors);
  await stage.answers(1, 1, 20_000);
  const tookMs = clock.monotonicMs() - killedMs;
  t.diagnostic(`finished after ${Math.round(tookMs)} ms`);
  assert.ok(tookMs < 15_000, `${tookMs} ms`);
  await nothingLeft(survivors[0] as Service);
  assert.deepEqual(answersTo(stage, asked), 1);
});

test('stopped beyond its right, a machine posts nothing when it wakes', async (t) => {
  const stage = await setMachines(t, { rooms: 1, face: 'v1.4.9' });
  const machines = await three(stage);
  const asked = stage.say(1, 'tell me something for 6 seconds');
  const sleeper = await runningAt(1, machines);
  await eventually('the model to be asked', () => stage.model.calls === 1);
  sleeper.child.kill('SIGSTOP');
  stage.route(...machines.filter((machine) => machine !== sleeper));
  await stage.answers(1, 1, 40_000);
  sleeper.child.kill('SIGCONT');
  await eventually('it hears that it has lost', () => sleeper.events('conversation.lost').length > 0);
  await eventually('its session is gone', async () => (await sleeper.health()).sessions.live === 0);
  await nothingLeft(sleeper);
  assert.equal(answersTo(stage, asked), 1);
  assert.deepEqual(sleeper.events('delivery.sent'), []);
});

test('Redis is killed and comes back: nothing that was taken is lost, and running turns finish', async (t) => {
  const stage = await setMachines(t, { rooms: 2 });
  const machines = await three(stage);
  const [one] = machines;
  // What was missed is looked for in rooms that are known.
  stage.say(2, 'hello');
  await stage.answers(2, 1);
  const before = stage.say(1, 'tell me something for 3 seconds');
  await runningAt(1, machines);
  await eventually('the model to be asked', () => stage.model.calls === 2);
  await stage.redis.kill();
  await eventually('it is seen', async () => (await fetch(`${one.url}/ready`)).status === 503);
  assert.equal((await one.health()).status, 'redis_away');
  const refused = stage.say(2, 'are you there?');
  await eventually('its webhook is refused', () => stage.statuses.includes(503));
  await stage.redis.start();
  await stage.answers(1, 1, 30_000);
  // Written while nobody could keep it: found by reading the room.
  await stage.answers(2, 2, 30_000);
  await nothingLeft(one);
  assert.equal(answersTo(stage, before), 1);
  assert.equal(answersTo(stage, refused), 1);
});

test('machines are restarted one by one under load: nothing is lost, nothing is doubled', async (t) => {
  const rooms = 8;
  const stage = await setMachines(t, { rooms });
  stage.model.skipPacing();
  const machines: Service[] = await three(stage);
  const load = new AbortController();
  const said: Message[] = [];
  const talking = (async () => {
    for (let n = 0; !load.signal.aborted; n++) {
      said.push(stage.say(1 + (n % rooms), `question ${n}`));
      // Two messages of one person within five seconds would be one turn.
      await clock.sleep(5_500 / rooms);
    }
  })();
  for (const [i, name] of ['one', 'two', 'three'].entries()) {
    const old = machines[i] as Service;
    stage.route(...machines.filter((machine) => machine !== old));
    assert.equal(await old.stop(), 0);
    machines[i] = await stage.machine(name);
    stage.route(...machines);
  }
  load.abort();
  await talking;
  for (const machine of machines) await nothingLeft(machine);
  for (const message of said) assert.equal(answersTo(stage, message), 1, `message ${message.id}`);
  t.diagnostic(`${said.length} messages`);
});

/** How many answers to a message stand in its room. */
function answersTo(stage: MachineStage, { id, roomId }: Message): number {
  return stage.answersIn(roomId).filter(({ html }) => new RegExp(`class="m${id}-0\\b`).test(html ?? ''))
    .length;
}
