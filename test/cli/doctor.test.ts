import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runDoctor } from '../../src/cli/doctor.ts';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { startScriptedModel } from '../../src/playground/model.ts';
import { startSimulator } from '../../src/playground/simulator.ts';
import { firstProcessProblem } from '../../src/processes/proc.ts';
import { holdDataFolder } from '../../src/store/lock.ts';
import { tempFolder } from '../support/temp.ts';

const main = join(import.meta.dirname, '../../src/cli/main.ts');
const bot = { bot_id: 'ann', bot_key: '2-abcDEF123456', name: 'Ann', system_prompt: 'Be Ann.' };

interface Report {
  ok: boolean;
  checks: Array<{ name: string; verdict: string; detail: string; remedy: string | null }>;
}

/** A Campfire that knows Ann, and a Claude. */
async function outside(t: TestContext): Promise<Record<string, string>> {
  const campfire = await startSimulator({
    ...{ clock, face: 'full', workers: 1, people: [{ id: 1, name: 'Dai', role: 'member' }] },
    bots: [{ id: 2, name: 'Ann', key: bot.bot_key, webhookUrl: null }],
    rooms: [{ id: 1, name: 'HQ', kind: 'open' }],
  });
  const model = await startScriptedModel({ clock });
  t.after(() => Promise.all([campfire.close(), model.close()]));
  return { CAMPFIRE_URL: campfire.url, ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: 'sk-ant-test' };
}

/** The command as an operator calls it, on folders of its own. */
async function doctor(
  t: TestContext,
  env: Record<string, string>,
  bots: Record<string, unknown> = { ann: bot },
) {
  const folder = tempFolder(t);
  const [dataDir, botsDir] = [join(folder, 'data'), join(folder, 'bots')];
  mkdirSync(botsDir);
  for (const [name, content] of Object.entries(bots))
    writeFileSync(join(botsDir, `${name}.json`), JSON.stringify(content));
  const given = {
    PATH: process.env.PATH,
    CAMPFIRE_URL: 'http://127.0.0.1:1',
    DATA_DIR: dataDir,
    BOTS_DIR: botsDir,
  };
  const { code, stdout } = await new Promise<{ code: number; stdout: string }>((resolve) => {
    const args = ['--no-warnings', main, 'doctor', '--json'];
    execFile(process.execPath, args, { env: { ...given, ...env } }, (error, out) =>
      resolve({ code: error ? Number(error.code) : 0, stdout: out }),
    );
  });
  const report = JSON.parse(stdout) as Report;
  return {
    code,
    dataDir,
    ok: report.ok,
    find: (name: string) => report.checks.find((check) => check.name === name),
  };
}

test('where everything is there, it says what it found and ends with 0', async (t) => {
  const { code, ok, find } = await doctor(t, await outside(t));
  assert.deepEqual([code, ok], [0, true]);
  assert.match(find('containment')?.detail ?? '', /^namespace: /);
  assert.match(find('claude')?.detail ?? '', /^claude \d+\.\d+\.\d+ .*runs/);
  assert.match(find('bots')?.detail ?? '', /1 usable: ann/);
  assert.match(
    find('memory')?.detail ?? '',
    /[\d,]+ of [\d,]+ MB \(.*\) are available: \d+ sessions fit, .* 250 MB that ann/,
  );
  assert.match(find('claude api')?.detail ?? '', /answers with ANTHROPIC_API_KEY, in \d+ ms/);
  assert.match(find('campfire')?.detail ?? '', /bots can read, post, edit/);
  assert.match(find('bot ann')?.detail ?? '', /knows the key of ann/);
});

test('without bubblewrap it warns of the weaker layer, with what to install and who loses Bash', async (t) => {
  const path = tempFolder(t);
  for (const program of ['sh', 'nice']) symlinkSync(`/usr/bin/${program}`, join(path, program));
  const { code, find } = await doctor(
    t,
    { ...(await outside(t)), PATH: path },
    { ann: { ...bot, tools: ['Bash'] } },
  );
  assert.equal(code, 0);
  assert.equal(find('containment')?.verdict, 'warn');
  assert.match(find('containment')?.remedy ?? '', /apt-get install bubblewrap/);
  assert.match(find('claude')?.detail ?? '', /runs/);
  assert.match(find('bots')?.detail ?? '', /ann asks for Bash/);
  const wanted = await doctor(t, { PATH: path, CONTAINMENT: 'namespace' });
  assert.deepEqual([wanted.code, wanted.find('containment')?.verdict], [1, 'fail']);
});

test('data or bots around the program: it says that sessions cannot see it', async (t) => {
  const { find } = await doctor(t, { BOTS_DIR: join(import.meta.dirname, '../..') });
  assert.match(find('containment')?.detail ?? '', /cannot see the program/);
  assert.match(find('containment')?.remedy ?? '', /folders of their own/);
});

test('a bad setting and a bad bot file fail with their remedy', async (t) => {
  const setting = await doctor(t, { PORT: 'eighty' });
  assert.deepEqual([setting.code, setting.find('settings')?.verdict], [1, 'fail']);
  assert.match(setting.find('settings')?.detail ?? '', /PORT is "eighty"/);
  const file = await doctor(t, {}, { ann: { ...bot, bot_id: 'A N N' } });
  assert.equal(file.code, 1);
  assert.match(file.find('bots')?.detail ?? '', /ann\.json: bot_id/);
});

test('a data folder in use is said to be, and stays in use', async (t) => {
  const dataDir = join(tempFolder(t), 'data');
  const folder = holdDataFolder(dataDir);
  const { find } = await doctor(t, { DATA_DIR: dataDir });
  assert.match(
    find('data folder')?.detail ?? '',
    new RegExp(`in use by the service with pid ${process.pid}`),
  );
  folder.release();
});

test('process 1 without an init is a problem, any other process is none', () => {
  assert.match(firstProcessProblem(1)?.remedy ?? '', /init/);
  assert.equal(firstProcessProblem(2), null);
});

test('a check that throws has failed, and the others still run', async () => {
  const written: string[] = [];
  const write = process.stdout.write;
  process.stdout.write = (text: unknown) => written.push(String(text)) > 0;
  const code = await runDoctor(
    [
      { name: 'broken', run: () => Promise.reject(new Error('no disk')) },
      { name: 'other', run: () => ({ verdict: 'ok', detail: 'fine', remedy: null }) },
    ],
    { json: false },
  ).finally(() => {
    process.stdout.write = write;
  });
  assert.equal(code, 1);
  assert.match(written.join(''), /fail broken +no disk\n +→ .*\nok +other +fine\n/);
});
