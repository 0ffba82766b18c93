import assert from 'node:assert/strict';
import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { AgentMemory, Slot } from '../../src/agent/agent.ts';
import type { KeptConversations } from '../../src/sessions/kept.ts';
import type { Conversations, Recall } from '../../src/sessions/resume.ts';
import type { Slots } from '../../src/sessions/slots.ts';
import type { TestClock } from '../support/clock.ts';

/** Drivers under test, over one data folder. `speak` writes lines as an agent does, to wherever the driver has them. */
export interface RememberedUnderTest {
  conversations: Conversations;
  kept: KeptConversations;
  slots: Slots;
  clock: TestClock;
  speak(slot: Slot, memory: AgentMemory, lines: readonly Line[]): Promise<void>;
  /** The next life of the service on the same data. */
  reopen(): Promise<Omit<RememberedUnderTest, 'reopen'>>;
}

export interface Line {
  type: string;
  uuid: string;
  promptSource?: string;
  timestamp?: string;
  message: { id?: string; stop_reason?: string; content: string | { type: string; text: string }[] };
}

const room = (roomId: number, botId = 'helper') => ({ botId, roomId });

/** A question and its complete answer. */
export const exchange = (asked: string, answered: string, key = asked): Line[] => [
  { type: 'user', uuid: `q-${key}`, promptSource: 'sdk', message: { content: asked } },
  {
    ...{ type: 'assistant', uuid: `a-${key}` },
    message: { id: `m-${key}`, stop_reason: 'end_turn', content: [{ type: 'text', text: answered }] },
  },
];

/** One turn of a conversation, as a session has it. */
export async function turn(
  under: Pick<RememberedUnderTest, 'conversations' | 'slots' | 'speak'>,
  conversation: { botId: string; roomId: number },
  lines: readonly Line[],
  told = true,
): Promise<Recall> {
  const recall = await under.conversations.recall(conversation);
  await recall.fetch?.();
  const slot = under.slots.open(recall.slot.id);
  await under.conversations.begin(conversation, slot, recall.memory);
  await under.speak(slot, recall.memory, lines);
  await under.conversations.recordTurn(conversation, told);
  return recall;
}

/** The promises about what conversations remember on one machine; every driver passes this suite. */
export function conversationsContract(
  name: string,
  open: (t: { after(undo: () => unknown): void }) => Promise<RememberedUnderTest>,
): void {
  const withMemory = (title: string, run: (under: RememberedUnderTest) => Promise<void>) =>
    test(`${name}: ${title}`, async (t) => run(await open(t)));

  withMemory('asking changes nothing: a conversation is known once it has begun', async (under) => {
    const { conversations, slots, kept } = under;
    const first = await conversations.recall(room(1));
    assert.deepEqual([first.isNew, first.memory.kind, first.stale], [true, 'new', false]);
    assert.equal(existsSync(first.slot.root), false);
    assert.equal((await conversations.recall(room(1))).isNew, true);
    assert.equal(await kept.folderOf(room(1)), null);
    await conversations.begin(room(1), slots.open(first.slot.id), first.memory);
    const again = await conversations.recall(room(1));
    assert.deepEqual([again.isNew, again.slot, again.elsewhere], [false, first.slot, false]);
    assert.equal(again.memory.kind, 'new', 'there is no transcript yet');
    assert.equal(await conversations.hasSlot(first.slot.id), true);
    assert.equal(await conversations.hasSlot('other'), false);
    assert.equal(await kept.folderOf(room(1)), first.slot.root);
    assert.equal(await conversations.describe(room(1)), null);
  });

  withMemory('a conversation goes on with its transcript, in a later life too', async (under) => {
    const lines = exchange('hello', 'hi').map((line) => ({ ...line, timestamp: '2026-01-05T08:00:00.000Z' }));
    const { slot, memory } = await turn(under, room(1), lines);
    under.clock.advance(500);
    const later = await under.reopen();
    const { memory: resumed, fetch, missing, ...rest } = await later.conversations.recall(room(1));
    assert.deepEqual(resumed, { kind: 'resume', id: memory.id });
    assert.deepEqual(
      [fetch, missing, rest.slot, rest.startedOver, rest.stale],
      [null, [], slot, false, false],
    );
    assert.match((await later.conversations.transcript(room(1))) ?? '', /hello/);
    const described = await later.conversations.describe(room(1));
    const beganAt = Date.UTC(2026, 0, 5, 8);
    assert.deepEqual(described, { turns: 1, usedAt: later.clock.now() - 500, beganAt });
    assert.equal(await later.conversations.transcript(room(2)), null);
  });

  withMemory('a spare’s slot and memory become the conversation’s', async (under) => {
    const slot = under.slots.open(under.slots.newSpareId());
    const memory: AgentMemory = { kind: 'new', id: '11111111-1111-4111-8111-111111111111' };
    await under.conversations.begin(room(1), slot, memory);
    await under.speak(slot, memory, exchange('hello', 'hi'));
    const recall = await under.conversations.recall(room(1));
    assert.deepEqual([recall.slot, recall.memory], [slot, { kind: 'resume', id: memory.id }]);
    assert.equal(await under.conversations.hasSlot(slot.id), true);
  });

  withMemory(
    'what is given up begins anew with its last exchanges, until the room is told',
    async (under) => {
      const { conversations, slots } = under;
      const old = await turn(under, room(1), exchange('the code is heron', 'Noted.'));
      await conversations.giveUp(room(1));
      assert.equal(await conversations.describe(room(1)), null);
      const fresh = await conversations.recall(room(1));
      assert.equal(fresh.memory.kind, 'new');
      assert.notEqual(fresh.memory.id, old.memory.id);
      assert.deepEqual([fresh.slot, fresh.startedOver, fresh.stale], [old.slot, true, false]);
      assert.deepEqual(fresh.history, [{ asked: 'the code is heron', answered: 'Noted.' }]);
      await conversations.begin(room(1), slots.at(fresh.slot.id), fresh.memory);
      await under.speak(fresh.slot, fresh.memory, exchange('and now?', 'Now.'));
      await conversations.recordTurn(room(1), false);
      const later = await (await under.reopen()).conversations.recall(room(1));
      assert.deepEqual([later.memory, later.startedOver], [{ kind: 'resume', id: fresh.memory.id }, true]);
      await conversations.recordTurn(room(1), true);
      assert.equal((await conversations.recall(room(1))).startedOver, false);
    },
  );

  withMemory('what was given up can be taken back', async (under) => {
    const { conversations } = under;
    const old = await turn(under, room(1), exchange('the code is heron', 'Noted.'));
    await conversations.giveUp(room(1));
    const fresh = await conversations.recall(room(1));
    await conversations.begin(room(1), under.slots.at(fresh.slot.id), fresh.memory);
    await conversations.restore(room(1));
    const recall = await conversations.recall(room(1));
    assert.deepEqual([recall.memory, recall.startedOver], [{ kind: 'resume', id: old.memory.id }, false]);
    await conversations.restore(room(1));
    assert.deepEqual((await conversations.recall(room(1))).memory, recall.memory);
  });

  withMemory('turns without a transcript are a memory that is lost', async (under) => {
    const { slot } = await turn(under, room(1), []);
    const recall = await under.conversations.recall(room(1));
    assert.deepEqual([recall.stale, recall.startedOver, recall.history], [true, true, []]);
    assert.deepEqual([recall.slot, recall.memory.kind], [slot, 'new']);
  });

  withMemory('an erased conversation is as if it had never been; twice does no harm', async (under) => {
    const { slot, memory } = await turn(under, room(1), exchange('hello', 'hi'));
    await under.conversations.erase(room(1));
    await under.conversations.erase(room(1));
    assert.equal(existsSync(slot.root), false);
    const recall = await under.conversations.recall(room(1));
    assert.equal(recall.isNew, true);
    assert.notEqual(recall.slot.id, slot.id);
    assert.notEqual(recall.memory.id, memory.id);
    assert.equal(await under.conversations.transcript(room(1)), null);
  });

  withMemory('who was used longest ago is told, and let go of as a whole', async (under) => {
    const { kept, clock } = under;
    const first = await turn(under, room(1), exchange('one', '1'));
    clock.advance(1_000);
    await turn(under, room(2), exchange('two', '2'));
    await turn(under, room(3, 'other_bot'), exchange('three', '3'));
    clock.advance(1_000);
    await turn(under, room(2), exchange('two again', '2'));
    assert.deepEqual(await kept.idleSince(clock.now(), 10), [room(1), room(3, 'other_bot')]);
    assert.deepEqual(await kept.idleSince(clock.now(), 1), [room(1)]);
    assert.deepEqual((await kept.botIds()).sort(), ['helper', 'other_bot']);
    assert.deepEqual(await kept.ofBot('other_bot', 10), [room(3, 'other_bot')]);
    assert.deepEqual(await kept.ofBot('helper', 1), [room(1)]);
    assert.equal(await kept.release(room(1)), first.slot.root);
    assert.equal(await kept.release(room(1)), null);
    assert.deepEqual(await kept.idleSince(clock.now() + 1, 10), [room(3, 'other_bot'), room(2)]);
    assert.equal((await under.conversations.recall(room(1))).isNew, true);
  });

  withMemory('folders that no conversation names are found once nobody touches them', async (under) => {
    const { kept, slots } = under;
    const { slot } = await turn(under, room(1), exchange('hello', 'hi'));
    const nobodys = slots.open(slots.newSpareId());
    mkdirSync(join(nobodys.work, 'deep'));
    writeFileSync(join(nobodys.work, 'deep', 'file'), '');
    for (const { root, config, work, temp } of [slot, nobodys])
      for (const folder of [root, config, work, temp]) utimesSync(folder, 1, 1);
    assert.deepEqual(await kept.unnamedFolders(500), []);
    assert.deepEqual(await kept.unnamedFolders(2_000), [nobodys.root]);
    await kept.deleteFolder(nobodys.root);
    await kept.deleteFolder(nobodys.root);
    assert.deepEqual([existsSync(nobodys.root), existsSync(slot.root)], [false, true]);
  });
}
