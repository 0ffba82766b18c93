import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMentions, mentionMigrations, userIdIn } from '../../src/campfire/mentions.ts';
import { openStore } from '../../src/store/sqlite.ts';
import { testClock } from '../support/clock.ts';

const signature = 'a'.repeat(40);

function sgid(envelope: unknown, signed = signature): string {
  return `${Buffer.from(JSON.stringify({ _rails: envelope })).toString('base64')}--${signed}`;
}

const ofUser = (id: number, signed?: string) =>
  sgid({ data: `gid://campfire/User/${id}?expires_in`, pur: 'attachable' }, signed);

const mention = (id: string) =>
  `<div><action-text-attachment sgid="${id}" content-type="application/vnd.campfire.mention" content="x"></action-text-attachment> hi</div>`;

function setMentions(page: unknown = { kind: 'unsupported' }) {
  const client = { index: async () => page as never };
  return createMentions(openStore(':memory:', mentionMigrations), testClock(), client);
}

test('a signed id of a user is told from everything else', () => {
  assert.equal(userIdIn(ofUser(12)), 12);
  assert.equal(userIdIn(ofUser(12, 'b'.repeat(64))), 12);
  const old = Buffer.from('\x04\bI"&gid://campfire/User/34?expires_in\x06:\x06ET', 'latin1').toString(
    'base64',
  );
  assert.equal(userIdIn(sgid({ message: old, exp: null, pur: 'attachable' })), 34);
  const json = Buffer.from('"gid://campfire/User/35?expires_in"').toString('base64');
  assert.equal(userIdIn(sgid({ message: json, exp: null, pur: 'attachable' })), 35);
  const gid = 'gid://campfire/User/12?expires_in';
  for (const [what, id] of Object.entries({
    unsigned: ofUser(12).split('--')[0] ?? '',
    'with a word for a signature': ofUser(12, 'unsigned'),
    'for another purpose': sgid({ data: gid, pur: 'login' }),
    'without a purpose': sgid({ data: gid }),
    expiring: sgid({ data: gid, pur: 'attachable', exp: '2026-12-24T00:00:00Z' }),
    'of another model': sgid({ data: 'gid://campfire/Room/12', pur: 'attachable' }),
    'of another application': sgid({ data: 'gid://other/User/12', pur: 'attachable' }),
    'with something behind': sgid({ data: `${gid}&x=1`, pur: 'attachable' }),
    'not JSON': `${Buffer.from('BAh7 and more of it').toString('base64')}--${signature}`,
    'not an object': `${Buffer.from('"a string, long enough"').toString('base64')}--${signature}`,
    empty: '',
  }))
    assert.equal(userIdIn(id), null, what);
});

test('people are learnt from messages, and forgotten never', () => {
  const mentions = setMentions();
  assert.equal(mentions.sgidOf(1), null);
  mentions.learn(mention(ofUser(1)), 2);
  mentions.learn(null, 2);
  mentions.learn('<div>no mention</div>', 2);
  assert.equal(mentions.sgidOf(1), ofUser(1));
  assert.equal(mentions.sgidOf(2), null);
});

test('a forged id, however often it is written, does not replace a genuine one', () => {
  const mentions = setMentions();
  const [genuine, forged] = [ofUser(1), ofUser(1, 'f'.repeat(40))];
  mentions.learn(mention(genuine), 2);
  for (let times = 0; times < 5; times++) mentions.learn(mention(forged), 666);
  assert.equal(mentions.sgidOf(1), null, 'one word against another: none');
  mentions.learn(mention(genuine), 3);
  assert.equal(mentions.sgidOf(1), genuine);
  mentions.learn(mention(forged), 667);
  assert.equal(mentions.sgidOf(1), null);
  mentions.learn(mention(genuine), 666);
  assert.equal(mentions.sgidOf(1), genuine, 'an author’s newest word counts');
});

test('a room is searched where Campfire lets a bot read, and a bot’s own words do not count', async () => {
  const said = (html: string, id: number, isBot: boolean) => ({ html, creator: { id, name: '', isBot } });
  const mentions = setMentions({
    kind: 'messages',
    messages: [said(mention(ofUser(1)), 2, false), said(mention(ofUser(4)), 900, true)],
  });
  await mentions.search('900-AbCdEf123456', 7);
  assert.equal(mentions.sgidOf(1), ofUser(1));
  assert.equal(mentions.sgidOf(4), null);
  await setMentions({ kind: 'unavailable' }).search('900-AbCdEf123456', 7);
});
