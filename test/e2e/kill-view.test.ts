import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startSoakModel } from '../../bench/soak/model.ts';
import { eventually } from '../support/eventually.ts';
import { writeBot } from '../support/service.ts';
import { apiKey, setStage } from '../support/stage.ts';

const otherKey = '901-Zz9Yy8Xx7Ww6';

/**
 * A bot with a shell goes looking. It writes what it finds into its own working folder, where this test reads it: what
 * the room is told would be cleaned of secrets on its way.
 */
test('a shell in the namespace layer sees its own slot and nothing else of the service', async (t) => {
  const model = await startSoakModel();
  const stage = await setStage(t, { model, rooms: 2, bot: { tools: ['Bash', 'Read'] } });
  const { dataDir, botsDir } = stage.home;
  writeBot(stage.home, 'other', {
    ...{ bot_id: 'other', bot_key: otherKey, name: 'Other', system_prompt: 'The other prompt.' },
  });
  writeFileSync(join(stage.home.botsDir, 'notes.txt'), 'a note beside the bots');
  const service = await stage.start({ CONTAINMENT: 'namespace', WEBHOOK_TOKEN: 'the-webhook-token' });
  stage.say(1, 'answer the-secret-of-room-one');
  await stage.answers(1, 1);

  const pid = service.child.pid ?? 0;
  model.command(
    'look',
    `
exec >found.txt 2>&1
echo "begin $$"
cd /
umount -R -l ${botsDir}; umount -R -l ${dataDir}; umount ${dataDir}
mount --bind / /mnt
find ${dataDir} ${botsDir} -mindepth 1
cat ${dataDir}/service.db ${dataDir}/instance ${botsDir}/*
grep -r the-secret-of-room-one ${dataDir}
cat /proc/*/environ /proc/*/cmdline /proc/${pid}/environ | tr '\\0' '\\n'
ls -l /proc/*/cwd /proc/*/root
cat /proc/1/root${dataDir}/instance
unshare --user --map-root-user --mount sh -c 'umount -R -l ${dataDir}; cat ${dataDir}/instance'
nsenter --mount=/proc/1/ns/mnt cat ${dataDir}/instance
ls ${dataDir}
ls /dev
kill -9 ${pid}
echo "end"`,
  );
  stage.say(2, 'run look');
  await stage.answers(2, 1);
  const found = await eventually('what it found', () => {
    const slots = join(dataDir, 'sessions');
    const texts = readdirSync(slots).flatMap(
      (slot) => readIfThere(join(slots, slot, 'work/found.txt')) ?? [],
    );
    return texts.find((text) => text.includes('\nend'));
  });

  assert.match(found, /^begin \d{1,3}$/m, 'it lives in a pid namespace');
  assert.match(found, /CLAUDE_CONFIG_DIR=/, 'it could look into the processes that it sees');
  const slot = /CLAUDE_CONFIG_DIR=(.*)\/config/.exec(found)?.[1] ?? '';
  assert.ok(slot.startsWith(join(dataDir, 'sessions')));
  const seen = [...found.matchAll(new RegExp(`^(?:${dataDir}|${botsDir})/\\S+$`, 'gm'))].map(
    ([path]) => path,
  );
  const foreign = seen.filter((path) => !path.startsWith(slot) && !slot.startsWith(path));
  assert.deepEqual(foreign, [], 'folders show its own slot alone');
  const instance = readFileSync(join(dataDir, 'instance'), 'utf8');
  const secrets = {
    'another room’s words': 'the-secret-of-room-one',
    'another bot’s key': otherKey,
    'its own bot’s key': '900-Ab1Cd2Ef3Gh4',
    'another bot’s prompt': 'The other prompt',
    'a file beside the bots': 'a note beside the bots',
    'the key of the Claude API': apiKey,
    'the admin token': 'admin-token-of-the-tests',
    'the webhook token': 'the-webhook-token',
    'the database': 'SQLite format 3',
    'the service’s environment': `BOTS_DIR=${botsDir}`,
  };
  for (const [what, secret] of Object.entries(secrets))
    assert.equal(withoutTheCommand(found, model).includes(secret), false, what);
  // The tag in its own environment begins with the instance's name; the file itself must not have been read.
  assert.equal(found.split('\n').includes(instance), false, 'the instance’s file');
  assert.equal((await service.health()).status, 'ok', 'and the service lives');
  await service.stop();
});

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** The shell's own command line stands in what it found, with every word that it was told to look for. */
function withoutTheCommand(found: string, model: { scripts(): readonly string[] }): string {
  const lines = new Set(model.scripts().flatMap((script) => script.split('\n')));
  return found
    .split('\n')
    .filter((line) => !lines.has(line) && !line.includes('grep -r the-secret'))
    .join('\n');
}
