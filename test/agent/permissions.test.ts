import assert from 'node:assert/strict';
import { test } from 'node:test';
import { grantFor } from '../../src/agent/permissions.ts';
import { setStage } from '../support/stage.ts';

const profile = { systemPrompt: '', model: null, mcpServers: {}, maxTurns: null };

test('file tools reach the working folder, by the two rules that claude knows', () => {
  const tools = ['Read', 'Grep', 'Write', 'NotebookEdit', 'WebSearch', 'Bash(git *)'];
  assert.deepEqual(grantFor({ ...profile, tools }, '/slot/work', true), {
    tools,
    allowed: ['Read(//slot/work/**)', 'Edit(//slot/work/**)', 'WebSearch', 'Bash(git *)', 'mcp__campfire'],
  });
});

test('a bot with Write and without Edit can write', async (t) => {
  const stage = await setStage(t, { bot: { tools: ['Read', 'Write'] } });
  const service = await stage.start();
  stage.say(1, 'Write a note into a file and read it back');
  const [answer] = await stage.answers(1, 1);
  assert.match(answer?.html ?? '', /The wall is 412 m long/);
  await service.stop();
});
