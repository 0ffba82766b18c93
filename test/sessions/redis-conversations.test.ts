import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { lineOf } from '../../src/agent/mirror.ts';
import { FencedOutError } from '../../src/mail/ownership.ts';
import { RedisAwayError } from '../../src/store/redis.ts';
import { conversationsContract, exchange, turn } from '../contract/conversations.ts';
import { eventually } from '../support/eventually.ts';
import { redisServer, redisStore } from '../support/redis.ts';
import { machine } from '../support/redis-memory.ts';
import { writeLocally } from '../support/transcripts.ts';

const room = { botId: 'helper', roomId: 1 };
const rooms = [room, { ...room, roomId: 2 }, { botId: 'other_bot', roomId: 3 }];

conversationsContract('redis', async (t) => {
  const store = await redisStore(t, (await redisServer(t)).url);
  const one = machine(t, store, 'one');
  await one.ownership.give(rooms);
  return { ...one, reopen: async () => one.live('boot 1') };
});

/** Two machines, the first of which has the conversation. */
async function two(t: { after(undo: () => unknown): void }) {
  const server = await redisServer(t);
  const store = await redisStore(t, server.url);
  const [one, other] = [machine(t, store, 'one'), machine(t, store, 'other')];
  await one.ownership.give(rooms);
  return { server, store, one, other };
}

const path = (
  memoryId: string,
  at: { slots: { transcriptPath: unknown } } & ReturnType<typeof machine>,
  slotId: string,
) => at.slots.transcriptPath(at.slots.at(slotId), memoryId);

test('another machine goes on with the same lines, in a folder of its own', async (t) => {
  const { one, other } = await two(t);
  const { slot, memory } = await turn(one, room, exchange('hello', 'hi'));
  await one.mirror.append(
    { memoryId: memory.id, subpath: 'agents/a1' },
    exchange('sub', 'agent').map(lineOf),
  );
  await other.ownership.give([room]);
  assert.match((await other.conversations.transcript(room)) ?? '', /hello/, 'before anything is fetched');
  const recall = await turn(other, room, exchange('again', 'hi again'));
  assert.deepEqual([recall.elsewhere, recall.memory], [true, { kind: 'resume', id: memory.id }]);
  assert.deepEqual([recall.slot.id, recall.slot.root === slot.root], [slot.id, false]);
  const file = path(memory.id, other, slot.id) as string;
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  const all = [...exchange('hello', 'hi'), ...exchange('again', 'hi again')];
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)),
    all,
  );
  const part = join(file.replace('.jsonl', ''), 'agents/a1.jsonl');
  assert.match(readFileSync(part, 'utf8'), /"sub"/);
  assert.deepEqual((await other.conversations.describe(room))?.turns, 2);
  // Back at the first one: its session does not know the last turn, and its file has not got it.
  await one.ownership.give([room]);
  const back = await one.conversations.recall(room);
  assert.equal(back.elsewhere, true);
  await back.fetch?.();
  const fetched = readFileSync(path(memory.id, one, slot.id) as string, 'utf8')
    .trim()
    .split('\n');
  assert.deepEqual(
    fetched.map((line) => JSON.parse(line)),
    all,
  );
});

test('a session that began elsewhere counts, even when it has said nothing', async (t) => {
  const { one, other } = await two(t);
  const { memory } = await turn(one, room, exchange('hello', 'hi'));
  await other.ownership.give([room]);
  const taken = await other.conversations.recall(room);
  await other.conversations.begin(room, taken.slot, taken.memory);
  await one.ownership.give([room]);
  const { elsewhere, memory: resumed } = await one.conversations.recall(room);
  assert.deepEqual([elsewhere, resumed], [true, { kind: 'resume', id: memory.id }]);
});

test('what another machine has forgotten, a session that is still here must not know', async (t) => {
  const { one, other } = await two(t);
  await turn(one, room, exchange('hello', 'hi'));
  await other.ownership.give([room]);
  await other.conversations.erase(room);
  await one.ownership.give([room]);
  const { isNew, elsewhere, memory } = await one.conversations.recall(room);
  assert.deepEqual([isNew, elsewhere, memory.kind], [true, true, 'new']);
});

test('another machine’s folder goes when its conversation does; what Redis never heard of is kept', async (t) => {
  const { one, other } = await two(t);
  const { slot } = await turn(one, room, exchange('hello', 'hi'));
  const unknown = one.slots.open('of-a-time-before-redis');
  for (const { root, config, work, temp } of [slot, unknown])
    for (const folder of [root, config, work, temp]) utimesSync(folder, 1, 1);
  await other.ownership.give([room]);
  assert.deepEqual(await one.kept.unnamedFolders(2_000), []);
  await other.conversations.erase(room);
  assert.deepEqual(await one.kept.unnamedFolders(2_000), [slot.root]);
  const halfAYearMs = 180 * 86_400_000;
  assert.deepEqual(
    (await one.kept.unnamedFolders(halfAYearMs + 2_000)).sort(),
    [slot.root, unknown.root].sort(),
  );
});

test('a slot that has been spoken in is not taken for a spare’s leftover, whatever Redis knows', async (t) => {
  const { one } = await two(t);
  const [unused, used] = [one.slots.open(one.slots.newSpareId()), one.slots.open(one.slots.newSpareId())];
  writeLocally(used, 'some-memory', exchange('hello', 'hi'));
  for (const { root, config, work, temp } of [unused, used])
    for (const folder of [root, config, work, temp]) utimesSync(folder, 1, 1);
  assert.equal(await one.conversations.hasSlot(used.id), true);
  assert.equal(await one.conversations.hasSlot(unused.id), false);
  assert.deepEqual(await one.kept.unnamedFolders(2_000), [unused.root]);
});

test('a machine without the right changes nothing', async (t) => {
  const { one, other } = await two(t);
  const { slot, memory } = await turn(one, room, exchange('hello', 'hi'));
  await other.ownership.give([room]);
  const { conversations, kept } = one;
  for (const write of [
    () => conversations.begin(room, slot, memory),
    () => conversations.giveUp(room),
    () => conversations.restore(room),
    () => conversations.erase(room),
    () => kept.release(room),
    () => one.transcripts.append(room, { memoryId: memory.id, subpath: '' }, [{ uuid: 'x', json: '{}' }]),
    () => one.transcripts.replace(room, { memoryId: memory.id, subpath: '' }, [{ uuid: 'x', json: '{}' }]),
    () => one.transcripts.delete(room, memory.id),
  ])
    await assert.rejects(write, FencedOutError);
  await one.speak(slot, memory, exchange('late', 'too late'));
  await conversations.recordTurn(room, true);
  assert.deepEqual(one.events, [], 'it is not this machine’s business any more');
  assert.equal(existsSync(slot.root), true);
  assert.deepEqual((await other.conversations.describe(room))?.turns, 1);
  assert.doesNotMatch((await other.conversations.transcript(room)) ?? '', /late/);
});

test('a turn that ends while Redis is away is on record when it is back: another machine goes on with all of it', async (t) => {
  const { store, other } = await two(t);
  let tries = 0;
  const one = machine(
    t,
    {
      ...store,
      async run(script, keys, values) {
        const fate = script.name === 'conversationTurn' ? tries++ : 2;
        if (fate === 0) throw new RedisAwayError('away before it was done');
        const answer = await store.run(script, keys, values);
        if (fate === 1) throw new RedisAwayError('away after it was done');
        return answer as never;
      },
    },
    'third',
  );
  await one.ownership.give([room]);
  const turned = turn(one, room, exchange('hello', 'hi'));
  await eventually('it is on record', async () => {
    one.clock.advance(1_000);
    return tries === 3;
  });
  await turned;
  assert.deepEqual(one.events, []);
  await other.ownership.give([room]);
  assert.equal((await other.conversations.describe(room))?.turns, 1);
  assert.equal(await store.call('HGET', store.key('sessions', 'of', '1:helper'), 'last'), 'a-hello');
});

test('files that stay behind are told of, until the machine has some of its own', async (t) => {
  const { one, other } = await two(t);
  const { slot } = await turn(one, room, exchange('hello', 'hi'));
  writeFileSync(join(slot.work, 'report.txt'), 'r');
  await turn(one, room, exchange('more', 'yes'));
  assert.deepEqual((await one.conversations.recall(room)).missing, []);
  await other.ownership.give([room]);
  assert.deepEqual((await turn(other, room, exchange('three', '3'))).missing, ['files']);
  assert.deepEqual((await other.conversations.recall(room)).missing, ['files']);
  writeFileSync(join(other.slots.open(slot.id).work, 'own.txt'), 'o');
  await turn(other, room, exchange('four', '4'));
  assert.deepEqual((await other.conversations.recall(room)).missing, []);
});

test('lines that could not be copied are copied with the next turn, in their order', async (t) => {
  const { one, other } = await two(t);
  const { slot, memory } = await turn(one, room, exchange('one', '1'));
  writeLocally(slot, memory.id, exchange('two', '2'));
  one.mirror.failed(memory.id, 'Redis does not answer');
  assert.deepEqual(
    one.events.map(({ type }) => type),
    ['transcript.behind'],
  );
  await turn(one, room, exchange('three', '3'));
  await other.ownership.give([room]);
  const asked = [...((await other.conversations.transcript(room)) ?? '').matchAll(/"q-(\w+)"/g)];
  assert.deepEqual(
    asked.map(([, key]) => key),
    ['one', 'two', 'three'],
  );
  assert.deepEqual((await other.conversations.recall(room)).missing, []);
});

test('a copy that stays behind is known by the next machine', async (t) => {
  const { one, other, store } = await two(t);
  const { slot, memory } = await turn(one, room, exchange('one', '1'));
  writeLocally(slot, memory.id, exchange('two', '2'));
  await one.speak(slot, memory, exchange('three', '3'));
  await one.conversations.recordTurn(room, true);
  const list = store.key('sessions', 'lines', memory.id, '');
  const uuids = store.key('sessions', 'uuids', memory.id, '');
  await store.call('RPOP', list);
  await store.call('SREM', uuids, 'a-three');
  await other.ownership.give([room]);
  const { missing, memory: resumed } = await other.conversations.recall(room);
  assert.deepEqual([missing, resumed], [['exchanges'], { kind: 'resume', id: memory.id }]);
});

test('what an earlier life wrote and had not copied is copied before it is looked through', async (t) => {
  const { one, other } = await two(t);
  const { slot, memory } = await turn(one, room, exchange('one', '1'));
  writeLocally(slot, memory.id, exchange('two', '2'));
  const next = one.live('boot 1');
  assert.match((await next.conversations.transcript(room)) ?? '', /"q-two"/);
  await other.ownership.give([room]);
  assert.match((await other.conversations.transcript(room)) ?? '', /"q-two"/);
});

test('after a power cut the copy is trusted, not the file', async (t) => {
  const { one } = await two(t);
  const { slot, memory } = await turn(one, room, exchange('one', '1'));
  writeFileSync(path(memory.id, one, slot.id) as string, '{"type":"us');
  const { conversations } = one.live('boot 2');
  const recall = await conversations.recall(room);
  assert.deepEqual([recall.memory.kind, recall.elsewhere], ['resume', true]);
  await recall.fetch?.();
  assert.match(readFileSync(path(memory.id, one, slot.id) as string, 'utf8'), /"q-one"/);
});

test('what an agent put in the place of its folders leads nowhere', async (t) => {
  const { one, other } = await two(t);
  const { slot, memory } = await turn(one, room, exchange('one', '1'));
  const { slots } = other;
  const trap = join(slots.at('outside').root, 'config');
  mkdirSync(trap, { recursive: true });
  writeFileSync(join(trap, 'kept'), 'kept');
  const there = slots.at(slot.id);
  mkdirSync(there.root, { recursive: true });
  symlinkSync(trap, there.config);
  await other.ownership.give([room]);
  await turn(other, room, exchange('two', '2'));
  assert.deepEqual(
    [readFileSync(join(trap, 'kept'), 'utf8'), existsSync(join(trap, 'projects'))],
    ['kept', false],
  );
  // The other way: a file of somebody else's is not copied out of the slot.
  const file = path(memory.id, other, slot.id) as string;
  writeFileSync(join(trap, 'secret.jsonl'), '{"type":"user","uuid":"secret"}\n');
  symlinkSync(join(trap, 'secret.jsonl'), `${file}.link`);
  renameSync(`${file}.link`, file);
  other.mirror.failed(memory.id, 'test');
  await assert.rejects(other.mirror.settle(room));
  assert.equal(await other.transcripts.hasLines({ memoryId: memory.id, subpath: '' }, ['secret']), false);
});

test('of a start-over that is taken back nothing stays, and the last line is the old memory’s', async (t) => {
  const { store, one, other } = await two(t);
  const { memory } = await turn(one, room, exchange('one', '1'));
  await one.conversations.giveUp(room);
  const fresh = await one.conversations.recall(room);
  await one.conversations.begin(room, one.slots.open(fresh.slot.id), fresh.memory);
  await one.speak(fresh.slot, fresh.memory, exchange('refused', 'too'));
  assert.equal(await one.transcripts.has(fresh.memory.id), true);
  await one.conversations.restore(room);
  await one.conversations.recordTurn(room, false);
  assert.equal(await one.transcripts.has(fresh.memory.id), false);
  assert.deepEqual(await store.call('KEYS', `*${fresh.memory.id}*`), []);
  await other.ownership.give([room]);
  const { memory: kept, missing } = await other.conversations.recall(room);
  assert.deepEqual([kept, missing], [{ kind: 'resume', id: memory.id }, []]);
});

test('a memory that is given up for one that is given up as well is deleted', async (t) => {
  const { store, one } = await two(t);
  const { memory: first } = await turn(one, room, exchange('one', '1'));
  await one.conversations.giveUp(room);
  const { memory: second } = await turn(one, room, exchange('two', '2'), false);
  await one.conversations.giveUp(room);
  assert.deepEqual(await store.call('KEYS', `*${first.id}*`), []);
  assert.equal(await one.transcripts.has(second.id), true, 'the room has not been told of it');
});

test('a turn that was accepted is remembered by a Redis that is full', async (t) => {
  const { store, one } = await two(t);
  await turn(one, room, exchange('hello', 'hi'));
  await store.call('CONFIG', 'SET', 'maxmemory', 1);
  await turn(one, room, exchange('again', 'hi again'));
  assert.match((await one.conversations.transcript(room)) ?? '', /hi again/);
  assert.equal((await one.conversations.describe(room))?.turns, 2);
});
