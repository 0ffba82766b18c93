import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { inheritedEnvironment, readSettings, settingRows, variable } from '../../src/config/settings.ts';
import { OperatorError } from '../../src/lib/errors.ts';

const CAMPFIRE = { CAMPFIRE_URL: 'https://chat.example.com' };

function refusal(env: Record<string, string>): OperatorError {
  try {
    readSettings({ ...CAMPFIRE, ...env });
  } catch (error) {
    assert(error instanceof OperatorError);
    return error;
  }
  assert.fail('the settings were taken');
}

test('with nothing but the address of Campfire, every setting has its default', () => {
  const settings = readSettings(CAMPFIRE);
  assert.equal(settings.host, '0.0.0.0');
  assert.equal(settings.port, 8000);
  assert.equal(settings.botsDir, resolve('bots'));
  assert.equal(settings.dataDir, resolve('data'));
  assert.equal(settings.sessionTtlMs, 300_000);
  assert.equal(settings.turnTimeoutMs, 600_000);
  assert.equal(settings.shutdownGraceMs, 25_000);
  assert.equal(settings.containment, 'auto');
  assert.equal(settings.allowUncontainedBash, false);
  assert.equal(settings.logLevel, 'info');
  assert.equal(settings.timeZone, new Intl.DateTimeFormat().resolvedOptions().timeZone);
  assert.equal(settings.maxSessions, undefined);
  assert.equal(settings.memoryLimitBytes, undefined);
  assert.equal(settings.adminToken, undefined);
});

test('values are converted to the units that the names carry', () => {
  const settings = readSettings({
    ...CAMPFIRE,
    SESSION_TTL_SECONDS: '5',
    MEMORY_LIMIT_MB: '1900',
    ALLOW_UNCONTAINED_BASH: 'Yes',
    TIME_ZONE: 'Asia/Shanghai',
    PORT: ' 0 ',
  });
  assert.equal(settings.sessionTtlMs, 5000);
  assert.equal(settings.memoryLimitBytes, 1900 * 1024 * 1024);
  assert.equal(settings.allowUncontainedBash, true);
  assert.equal(settings.timeZone, 'Asia/Shanghai');
  assert.equal(settings.port, 0);
});

test('an empty or blank value counts as unset', () => {
  const settings = readSettings({
    ...CAMPFIRE,
    PORT: '',
    MAX_SESSIONS: '  ',
    ADMIN_TOKEN: '',
    REDIS_URL: '',
  });
  assert.equal(settings.port, 8000);
  assert.equal(settings.maxSessions, undefined);
  assert.equal(settings.adminToken, undefined);
});

for (const [env, value] of [
  ['PORT', '65536'],
  ['PORT', '80a'],
  ['PORT', '1e3'],
  ['SESSION_TTL_SECONDS', '0'],
  ['SESSION_TTL_SECONDS', '-5'],
  ['TURN_TIMEOUT_SECONDS', '99999999'],
  ['MAX_SESSIONS', 'many'],
  ['MEMORY_LIMIT_MB', '2GB'],
  ['CONTAINMENT', 'docker'],
  ['LOG_LEVEL', 'INFO'],
  ['ALLOW_UNCONTAINED_BASH', 'maybe'],
  ['TIME_ZONE', 'Mars/Olympus'],
  ['CAMPFIRE_URL', 'chat.example.com'],
  ['PUBLIC_URL', 'ftp://files.example.com'],
  ['PUBLIC_URL', 'https://files.example.com/?a=1'],
  ['HOST', 'http://0.0.0.0'],
] as const) {
  test(`${env}=${value} stops the start with the name, the value and what is allowed`, () => {
    const error = refusal({ [env]: value });
    assert.equal(error.code, 'setting_invalid');
    assert(error.message.includes(`${env} is ${JSON.stringify(value)}; it must be `), error.message);
    assert(error.remedy.length > 0);
  });
}

test('all bad values are told at once', () => {
  const { message } = refusal({ PORT: 'x', LOG_LEVEL: 'x' });
  assert.match(message, /PORT/);
  assert.match(message, /LOG_LEVEL/);
});

test('a refused secret is not repeated, nor an address that may hold a password', () => {
  for (const env of [
    { ADMIN_TOKEN: 'hunter2\nx' },
    { CAMPFIRE_URL: 'https://me:hunter2@chat.example.com' },
  ]) {
    const error = refusal(env);
    assert(!`${error.message}${error.remedy}`.includes('hunter2'));
    assert.match(error.message, /ADMIN_TOKEN|CAMPFIRE_URL/);
  }
});

test('without an address of Campfire the start stops, unless the caller provides one', () => {
  assert.throws(() => readSettings({}), /CAMPFIRE_URL is not set/);
  assert.equal(readSettings({}, { campfireUrl: 'http://127.0.0.1:1' }).campfireUrl, 'http://127.0.0.1:1');
});

test('overrides win over the environment', () => {
  assert.equal(readSettings({ ...CAMPFIRE, HOST: '0.0.0.0' }, { host: '127.0.0.1' }).host, '127.0.0.1');
});

test('addresses lose the slash at their end and keep their path', () => {
  const settings = readSettings({
    CAMPFIRE_URL: 'HTTPS://Chat.example.com/',
    PUBLIC_URL: 'http://x:81/bots//',
  });
  assert.equal(settings.campfireUrl, 'https://chat.example.com');
  assert.equal(settings.publicUrl, 'http://x:81/bots');
});

test('a bad REDIS_URL is refused without showing its password', () => {
  const error = refusal({ REDIS_URL: 'http://:hunter2@localhost' });
  assert.match(
    error.message,
    /REDIS_URL is not a usable value; it must be a redis:\/\/ or rediss:\/\/ address/,
  );
  assert(!error.message.includes('hunter2'));
  const settings = readSettings({ ...CAMPFIRE, REDIS_URL: 'redis://:hunter2@localhost' });
  assert(!inspect(settings).includes('hunter2'));
});

test('half of the service does not run without the other machines', () => {
  assert.match(refusal({ ROLE: 'web' }).message, /ROLE is web, which needs other machines/);
  assert.equal(readSettings({ ...CAMPFIRE, ROLE: 'worker', REDIS_URL: 'rediss://h/1' }).role, 'worker');
  assert.equal(readSettings(CAMPFIRE).role, 'all');
});

test('the settings cannot be changed, and printing them shows no secret', () => {
  const settings = readSettings({ ...CAMPFIRE, ANTHROPIC_API_KEY: 'sk-hunter2' });
  assert.equal(settings.anthropicApiKey, 'sk-hunter2');
  assert(Object.isFrozen(settings));
  assert(!inspect(settings).includes('hunter2'));
  assert(!JSON.stringify({ settings }).includes('hunter2'));
  assert.match(JSON.stringify(settings), /"port":8000/);
  assert.equal({ ...settings }.anthropicApiKey, 'sk-hunter2');
});

test('every default in the table is within its own bounds', () => {
  for (const [name, row] of settingRows()) {
    if (row.default !== undefined) assert.notEqual(row.kind.parse(row.default), undefined, name);
  }
});

test('a child process inherits what finds programs and the network, and nothing that is a secret or a home', () => {
  const inherited = inheritedEnvironment({
    PATH: '/bin',
    LANG: 'C.UTF-8',
    LC_ALL: 'C',
    TZ: 'UTC',
    https_proxy: 'http://proxy:3128',
    NO_PROXY: 'localhost',
    NODE_EXTRA_CA_CERTS: '/ca.pem',
    SSL_CERT_FILE: '/ca.pem',
    HOME: '/root',
    ANTHROPIC_API_KEY: 'sk-1',
    BOT_KEY_ANN: '2-abc',
    NODE_OPTIONS: '--require /x.js',
    XPATH: 'no',
    LC_: '',
  });
  assert.deepEqual(Object.keys(inherited).sort(), [
    'LANG',
    'LC_ALL',
    'NODE_EXTRA_CA_CERTS',
    'NO_PROXY',
    'PATH',
    'SSL_CERT_FILE',
    'TZ',
    'https_proxy',
  ]);
});

test('looking up a variable never finds what every object has', () => {
  assert.equal(variable('constructor', {}), undefined);
  assert.equal(variable('constructor'), undefined);
  assert.equal(variable('A', { A: '' }), undefined);
  assert.equal(variable('A', { A: 'x' }), 'x');
});
