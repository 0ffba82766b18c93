import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { KeptFile } from '../../src/downloads/kept.ts';
import { holdsSecret } from '../../src/downloads/secrets.ts';
import { writeFile } from '../../src/turns/content.ts';
import { showsSecret, tellableStep, withoutSecretTail } from '../../src/turns/withheld.ts';
import { setTurns, settle, type TurnsGiven } from '../support/turns.ts';

const secret = 'sk-ant-0123456789';

test('a secret that is being written is never shown, not even its beginning', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (before, after) => {
      const whole = `${before}${secret}${after}`;
      for (let length = 0; length <= whole.length; length++) {
        const shown = withoutSecretTail(whole.slice(0, length), new Set([secret]));
        if (shown === null) continue;
        assert.ok(!holdsSecret(shown, new Set([secret])));
        const begun = before.length + 1;
        if (!before.includes('s') && length >= begun) assert.equal(shown.slice(0, begun), before);
      }
    }),
  );
});

test('what is no secret is shown to the end, the longest doubtful ending apart', () => {
  const secrets = new Set([secret, 'k-x']);
  assert.equal(withoutSecretTail('all of it.', secrets), 'all of it.');
  assert.equal(withoutSecretTail('the key is sk-ant-01', secrets), 'the key is ');
  assert.equal(withoutSecretTail('sk', secrets), '');
  assert.equal(withoutSecretTail(`it is ${secret}, really`, secrets), null);
  assert.equal(withoutSecretTail('all of it.', new Set()), 'all of it.');
});

test('a body shows a secret where the room reads one: across markup, in a link, in a file’s name', () => {
  const shows = (body: string, kind: 'post' | 'file' = 'post') =>
    showsSecret({ kind, body }, new Set([secret]));
  assert.ok(shows(`<div>${secret}</div>`));
  assert.ok(shows('<div>sk-<strong>ant</strong>-01234<em>56789</em></div>'));
  assert.ok(shows('<div>sk-ant-&#x30;123456789</div>'));
  assert.ok(shows(`<div><a href="https://x.test/?q=${secret}">look</a></div>`));
  assert.ok(shows(writeFile({ id: 'a', filename: `${secret}.txt`, type: 'text/plain' }), 'file'));
  assert.ok(!shows('<div>sk-ant-0123</div>'));
  const marks = Array.from({ length: 1_500 }, (_, n) => `<b a${n}>`).join('');
  assert.ok(shows(`${marks}${secret}${'<p>x'.repeat(1_000)}`), 'also where it is too much to be read');
  const body = '<div class="m1-0 ai-reply">hi</div>';
  assert.ok(
    !showsSecret({ kind: 'post', body }, new Set(['reply'])),
    'what nobody reads is no word of the answer',
  );
});

test('a step is told with the name of its file, unless that or its folders hold a secret', () => {
  const told = (target: string, name = 'Write') =>
    tellableStep({ kind: 'tool', name, target }, new Set([secret, 'ab/cd']));
  assert.equal(told('/srv/files/report.xlsx').target, 'report.xlsx');
  assert.equal(told(`/srv/files/${'x'.repeat(200)}`).target, 'x'.repeat(80));
  assert.equal(told(`/srv/files/${secret}.txt`).target, null);
  assert.equal(told('/srv/files/ab/cd').target, null);
  assert.equal(told(`/srv/files/${'x'.repeat(70)}${secret}`).target, null, 'nor its beginning');
  assert.equal(told('/a', secret).name, 'tool');
});

const keptFile: KeptFile = {
  ...{ id: 'f', botId: 'helper', roomId: 5, turnId: '1', source: 'file a', name: 'a.txt', title: 'a' },
  ...{ mediaType: 'text/plain', bytes: 1, digest: '', createdAt: 0, expiresAt: 0, usedAt: 0, hits: 0 },
  as: 'link',
};
const links = { open: 'https://bots.example/f', download: 'https://bots.example/f' };

for (const [title, text, file] of [
  ['the title of a shared file', 'done', { title: `Key ${secret}` }],
  ['the name of a shared file', 'done', { name: `${secret}.txt` }],
  ['the name of an attached file', 'done', { as: 'attachment', name: `${secret}.txt` }],
  ['words with markup in them', 'It is sk-**ant**-0123456789.', {}],
] satisfies [string, string, Partial<KeptFile>][]) {
  test(`a secret in ${title} is not posted, and the room is told`, async (t) => {
    const downloads = { ofTurn: async () => [{ ...keptFile, ...file }], renewLinks: async () => links };
    const turns = setTurns(t, undefined, { secrets: [secret], downloads });
    await turns.say('hi');
    turns.agents[0]?.comeUp();
    turns.agents[0]?.finish({ kind: 'answered', text, spent: null });
    await settle();
    const sent = await turns.sent();
    assert.equal(sent.length, 1);
    assert.match(sent.join(), /did not post it/);
  });
}

const full: TurnsGiven = {
  campfire: { faces: { find: async () => 'full', known: () => 'full', report: () => {} }, client: {} },
};

test('the line about a running turn shows no secret', async (t) => {
  for (const [steps, line] of [
    [[{ kind: 'tool', name: 'Write', target: `/srv/files/${secret}.txt` }], /^Writing a file …$/],
    [[{ kind: 'text', text: 'It is sk-**ant**-0123456789, I think', begins: true }], /^Working on it …$/],
  ] as const) {
    const turns = setTurns(t, undefined, { secrets: [secret], ...full });
    await turns.say('hi');
    turns.agents[0]?.comeUp();
    for (const step of steps) turns.agents[0]?.report(step);
    turns.clock.advance(5_000);
    await settle();
    const shown = (await turns.sent()).join();
    assert.match(shown, line);
    assert.doesNotMatch(shown, /sk-/);
  }
});
