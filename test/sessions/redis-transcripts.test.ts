import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { lineOf, mirrorInto, type TranscriptLine } from '../../src/agent/mirror.ts';
import { eventually } from '../support/eventually.ts';
import { redisServer, redisStore } from '../support/redis.ts';
import { machine } from '../support/redis-memory.ts';

const room = { botId: 'helper', roomId: 1 };

/** A conversation with a memory that nothing has been written of, on the only machine. */
async function remembering(t: { after(undo: () => unknown): void }) {
  const server = await redisServer(t);
  const store = await redisStore(t, server.url);
  const one = machine(t, store, 'one');
  await one.ownership.give([room]);
  const { slot, memory } = await one.conversations.recall(room);
  await one.conversations.begin(room, slot, memory);
  const lines = async (subpath = '') =>
    (await Array.fromAsync(one.transcripts.load({ memoryId: memory.id, subpath }))).flat();
  return { ...one, server, store, memoryId: memory.id, lines };
}

const entry = (uuid?: string, text = '') => ({ type: 'user', ...(uuid ? { uuid } : {}), text });

test('entries come back as they were and in order, each uuid once, those without one every time', async (t) => {
  const { mirror, memoryId, lines } = await remembering(t);
  const { append } = mirrorInto(mirror);
  const entries = [entry('a', 'Grüße, 港'), entry(), entry('b', 'line\nbreak')];
  await append({ sessionId: memoryId }, entries);
  await append({ sessionId: memoryId }, [entry('b', 'changed'), entry(), entry('c')]);
  const found = (await lines()).map((line) => JSON.parse(line));
  assert.deepEqual(found, [...entries, entry(), entry('c')]);
});

test('parts are apart: the same uuid may be in two of them', async (t) => {
  const { mirror, transcripts, memoryId, lines } = await remembering(t);
  const { append } = mirrorInto(mirror);
  await append({ sessionId: memoryId }, [entry('a', 'main')]);
  await append({ sessionId: memoryId, subpath: 'subagents/agent-1' }, [entry('a', 'sub'), entry('b')]);
  assert.deepEqual((await transcripts.subpaths(memoryId)).sort(), ['', 'subagents/agent-1']);
  assert.equal((await lines('subagents/agent-1')).length, 2);
  assert.deepEqual(await lines(), [JSON.stringify(entry('a', 'main'))]);
  assert.deepEqual([await transcripts.has(memoryId), await transcripts.has('other')], [true, false]);
  assert.deepEqual(await lines('nothing'), []);
});

test('nothing is loaded by the SDK: the file is in the slot', async (t) => {
  const { mirror, memoryId } = await remembering(t);
  const store = mirrorInto(mirror);
  await store.append({ sessionId: memoryId }, [entry('a')]);
  assert.equal(await store.load(), null);
});

test('an append whose answer was lost does no harm when it is repeated', async (t) => {
  const { mirror, memoryId, lines, server } = await remembering(t);
  const { append } = mirrorInto(mirror);
  await append({ sessionId: memoryId }, [entry('a')]);
  await server.kill();
  await assert.rejects(append({ sessionId: memoryId }, [entry('a'), entry('b')]));
  await server.start();
  await eventually('the connection to be back', () =>
    append({ sessionId: memoryId }, [entry('a'), entry('b')]).then(
      () => true,
      () => false,
    ),
  );
  const uuids = (await lines()).map((line) => (JSON.parse(line) as { uuid: string }).uuid);
  // What was written in the last second before a kill Redis may have lost.
  assert.deepEqual(uuids.slice(-1), ['b']);
  assert.equal(new Set(uuids).size, uuids.length);
});

test('a transcript that is nobody’s gets no lines, and one that was deleted none any more', async (t) => {
  const { mirror, transcripts, conversations, store, memoryId, lines } = await remembering(t);
  const { append } = mirrorInto(mirror);
  await assert.rejects(append({ sessionId: randomUUID() }, [entry('a')]), /No conversation/);
  await append({ sessionId: memoryId }, [entry('a')]);
  await append({ sessionId: memoryId, subpath: 'subagents/agent-1' }, [entry('b')]);
  await transcripts.delete(room, memoryId);
  assert.deepEqual([await lines(), await lines('subagents/agent-1')], [[], []]);
  await append({ sessionId: memoryId }, [entry('a')]);
  assert.equal((await lines()).length, 1, 'the conversation still has it');
  await conversations.erase(room);
  await append({ sessionId: memoryId }, [entry('c')]);
  const left = await store.call('KEYS', '*sessions*');
  assert.deepEqual(left, [store.key('sessions', 'gone')], 'nothing of it is left');
});

test('what was given up is deleted when the room has been told', async (t) => {
  const { mirror, conversations, slots, memoryId, transcripts } = await remembering(t);
  await mirrorInto(mirror).append({ sessionId: memoryId }, [entry('a')]);
  await conversations.giveUp(room);
  const { slot, memory } = await conversations.recall(room);
  await conversations.begin(room, slots.open(slot.id), memory);
  await mirrorInto(mirror).append({ sessionId: memory.id }, [entry('b')]);
  await conversations.recordTurn(room, false);
  assert.equal(await transcripts.has(memoryId), true);
  await conversations.recordTurn(room, true);
  assert.deepEqual([await transcripts.has(memoryId), await transcripts.has(memory.id)], [false, true]);
});

test('a transcript that takes the place of another does so in one step', async (t) => {
  const { transcripts, memoryId, lines } = await remembering(t);
  const part = { memoryId, subpath: '' };
  await transcripts.append(room, part, [lineOf(entry('a')), lineOf(entry('c'))]);
  const many: TranscriptLine[] = Array.from({ length: 1_200 }, (_, at) => lineOf(entry(`n${at}`)));
  const replacing = transcripts.replace(room, part, many);
  const seen = new Set<number>();
  for (let isDone = false; !isDone; ) {
    isDone = await Promise.race([replacing.then(() => true), lines().then((some) => !seen.add(some.length))]);
  }
  seen.add((await lines()).length);
  assert.deepEqual([...seen].sort(), [1_200, 2]);
  assert.equal(
    await transcripts.hasLines(
      part,
      many.map(({ uuid }) => uuid as string),
    ),
    true,
  );
  assert.equal(await transcripts.hasLines(part, ['n0', 'a']), false);
});

test('a transcript of 50 MB is appended and loaded', async (t) => {
  const { transcripts, memoryId, lines } = await remembering(t);
  const part = { memoryId, subpath: '' };
  // 400 KB is a large tool result, 1 KB a message.
  const sizes = [
    ...Array.from({ length: 10_000 }, () => 1_000),
    ...Array.from({ length: 100 }, () => 400_000),
  ];
  const given = sizes.map((size) => lineOf(entry(randomUUID(), 'x'.repeat(size))));
  const began = performance.now();
  await transcripts.append(room, part, given);
  const appended = performance.now();
  const found = await lines();
  const loaded = performance.now();
  t.diagnostic(
    `appended in ${Math.round(appended - began)} ms, loaded in ${Math.round(loaded - appended)} ms`,
  );
  assert.equal(found.length, given.length);
  assert.equal(found.at(-1), given.at(-1)?.json);
});

test('late lines of an agent that lost its conversation are not taken with a newer right', async (t) => {
  const { store, mirror, conversations, ownership, memoryId, lines } = await remembering(t);
  const { append } = mirrorInto(mirror);
  await append({ sessionId: memoryId }, [entry('a')]);
  const other = machine(t, store, 'other');
  await other.ownership.give([room]);
  mirror.unbind(room);
  await ownership.give([room]);
  await assert.rejects(append({ sessionId: memoryId }, [entry('late')]));
  const { slot, memory } = await conversations.recall(room);
  await conversations.begin(room, slot, memory);
  await append({ sessionId: memoryId }, [entry('b')]);
  const uuids = (await lines()).map((line) => (JSON.parse(line) as { uuid: string }).uuid);
  assert.deepEqual(uuids, ['a', 'b']);
});
