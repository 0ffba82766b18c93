import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tagVariable } from '../../src/processes/census.ts';
import { environmentOf, listProcesses } from '../../src/processes/proc.ts';
import { eventually } from '../support/eventually.ts';
import { type ServiceHome, writeBot } from '../support/service.ts';
import { signal } from '../support/signal.ts';
import { botKey, setStage } from '../support/stage.ts';

/** Pids that carry the mark of this data folder, found without the service's help. */
function agentProcesses(home: ServiceHome): number[] {
  const instance = readFileSync(join(home.dataDir, 'instance'), 'utf8');
  return listProcesses()
    .filter(({ pid }) => environmentOf(pid, tagVariable)?.startsWith(`${instance}.`))
    .map(({ pid }) => pid);
}

const slotsOf = (home: ServiceHome) => readdirSync(join(home.dataDir, 'sessions'));

test('a spare serves the first turn of a conversation, which keeps its slot and memory', async (t) => {
  const stage = await setStage(t, { rooms: 3 });
  const service = await stage.start({ SPARE_SESSIONS: '1', SESSION_TTL_SECONDS: '6' });
  assert.equal((await service.health()).sessions.spare, 0, 'no process before the first turn');
  stage.say(1, 'hello');
  await stage.answers(1, 1);
  const parked = () => eventually('a parked spare', () => service.events('spare.parked').length > 0);
  await parked();
  const { live, spare } = (await service.health()).sessions;
  assert.deepEqual({ live, spare }, { live: 1, spare: 1 }, 'spares are not counted as live');

  stage.say(2, 'remember the harbour code is heron');
  await stage.answers(2, 1);
  assert.deepEqual(
    service.events('turn.started').map(({ path }) => path),
    ['opened', 'claimed'],
  );
  await eventually('idle out', async () => (await service.health()).sessions.live === 0, 15_000);
  assert.deepEqual(agentProcesses(stage.home), [], 'the spare of a bot at rest went before its last session');
  assert.equal(slotsOf(stage.home).length, 2, 'an unclaimed spare leaves no folder');
  stage.say(2, 'what did I tell you?');
  assert.match((await stage.answers(2, 2))[1]?.html ?? '', /heron/);
  assert.equal(service.events('turn.started').at(-1)?.path, 'resumed');
  assert.equal(await service.stop(), 0);
  assert.deepEqual(agentProcesses(stage.home), []);
});

test('an edited bot ends its spares; a spare that dies is replaced; a killed service leaves no folder of one', async (t) => {
  const stage = await setStage(t, { rooms: 3 });
  const service = await stage.start({ SPARE_SESSIONS: '1' });
  stage.say(1, 'hello');
  await stage.answers(1, 1);
  await eventually('a spare', () => service.events('spare.parked').length === 1);
  writeBot(stage.home, 'assistant', {
    ...{ bot_id: 'assistant', bot_key: botKey, name: 'Assistant', model: 'claude-haiku-4-5' },
    system_prompt: 'You are a pirate by now.',
  });
  await eventually('it to be ended', () =>
    service.events('spare.ended').some(({ reason }) => reason === 'bot-changed'),
  );
  stage.say(2, 'who are you?');
  assert.match((await stage.answers(2, 1))[0]?.html ?? '', /pirate/);
  await eventually('a spare of the new bot', () => service.events('spare.parked').length === 2);

  const sessions = await service.sessions();
  const busy = new Set(sessions.map(({ pid }) => pid));
  const spare = agentProcesses(stage.home).filter((pid) => {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0] ?? '';
    return command.endsWith('/claude') && !busy.has(pid);
  });
  assert.equal(spare.length, 1);
  signal(spare[0], 'SIGKILL');
  await eventually('the next spare', () => service.events('spare.parked').length === 3);
  stage.say(3, 'who are you?');
  await stage.answers(3, 1);
  assert.equal(service.events('turn.started').at(-1)?.path, 'claimed');

  await eventually('one more', () => service.events('spare.parked').length === 4);
  await service.stop('SIGKILL');
  assert.equal(slotsOf(stage.home).length, 4);
  const second = await stage.start({ SPARE_SESSIONS: '0' });
  assert.equal(slotsOf(stage.home).length, 3, 'only slots of conversations are left');
  assert.equal(await second.stop(), 0);
});
