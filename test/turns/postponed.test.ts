import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CampfireClient } from '../../src/campfire/client.ts';
import { helper, setTurns, settle } from '../support/turns.ts';

const overloaded = { kind: 'api-error', status: 529, code: 'overloaded', cause: 'x', spent: null } as const;
const noticeId = 501;

test('while an overloaded turn waits for the second time, the room sees that it waits, not that it works', async (t) => {
  const edits: string[] = [];
  const client: Partial<CampfireClient> = {
    async edit(_key, _roomId, id, html) {
      assert.equal(id, noticeId);
      edits.push(html.replace(/<[^>]+>/g, ''));
      return { kind: 'done' };
    },
    delete: () => assert.fail('there was nothing to be removed'),
  };
  const turns = setTurns(t, helper, {
    campfire: { client, faces: { find: async () => 'full', known: () => null, report: () => {} } },
  });
  await turns.say('a question');
  turns.agents[0]?.comeUp();
  turns.agents[0]?.finish(overloaded);
  await settle();
  const told = await turns.sent(5, noticeId);
  assert.deepEqual(told, ['Claude is overloaded, I’ll try again in 20 seconds.']);

  turns.clock.advance(20_000);
  await settle();
  assert.deepEqual(edits, ['Working on it …']);
  turns.agents[0]?.finish(overloaded);
  await settle();
  assert.deepEqual(edits.slice(1), ['Claude is overloaded, I’ll try again in 60 seconds.']);
  assert.deepEqual(await turns.sent(), [], 'no second line');

  turns.clock.advance(60_000);
  await settle();
  turns.agents[0]?.finish();
  await settle();
  assert.deepEqual(await turns.sent(), ['done']);
});
