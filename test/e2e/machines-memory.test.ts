import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Message } from '../../src/playground/records.ts';
import { setMachines } from '../support/machines.ts';

/** What conversations keep when the machine that had them is gone: real services on one real Redis. */

const textOf = ({ html }: Message) =>
  (html ?? '')
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();

const transcriptsBelow = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.jsonl'))
    .map((path) => readFileSync(join(folder, path), 'utf8').replace(/^\{"type":"api-request.*$/gm, ''));

test('a machine is lost with its disk: memory goes on elsewhere, files are told of, links work', async (t) => {
  const publicUrl = 'http://bots.example';
  const stage = await setMachines(t, { rooms: 2 });
  const env = { PUBLIC_URL: publicUrl, WEBHOOK_TOKEN: '' };
  const one = await stage.machine('one', env);
  stage.route(one);
  stage.say(1, 'remember the harbour code is heron');
  await stage.answers(1, 1);
  stage.say(1, 'make a list of boats and share the file boats.csv', 1);
  const [, shared] = await stage.answers(1, 2);
  const path = /files\/\w+\/[\w-]{43}/.exec(shared?.html ?? '')?.[0] ?? '';
  const bytes = await (await fetch(`${one.url}/${path}`)).text();
  assert.match(bytes, /boat/i);
  one.child.kill('SIGKILL');
  const other = await stage.machine('other', env);
  stage.route(other);
  assert.equal(await (await fetch(`${other.url}/${path}`)).text(), bytes, 'any machine serves the link');
  stage.say(1, 'what did I tell you?');
  const [, , remembered] = await stage.answers(1, 3);
  assert.match(textOf(remembered as Message), /heron/);
  assert.deepEqual(
    other.events('turn.started').map(({ path: how }) => how),
    ['resumed'],
  );
  const transcripts = transcriptsBelow(stage.dataDir('other')).join('\n');
  assert.match(
    transcripts,
    /are not in your working folder/,
    'the model was told that its list is not there',
  );
  stage.say(1, 'new');
  await stage.answers(1, 4);
  stage.say(1, 'what did I tell you?');
  const answers = await stage.answers(1, 5);
  assert.doesNotMatch(textOf(answers[4] as Message), /heron/);
});
