import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  addressesIn,
  deadLinks,
  hashOfToken,
  linksTo,
  newToken,
  tokenIn,
} from '../../src/downloads/links.ts';

const base = 'https://bots.example.org/ai';
const token = newToken();
const other = newToken();
const { open, download } = linksTo(base, token, 'text/html');
const dead = deadLinks(base, new Set([token]));

test('tokens are 256 random bits and only their hash is kept', () => {
  assert.equal(Buffer.from(token, 'base64url').length, 32);
  assert.notEqual(token, other);
  assert.notEqual(hashOfToken(token), token);
});

test('a page opens in its view, anything else is downloaded; a path of PUBLIC_URL stays', () => {
  assert.equal(open, `${base}/files/view/${token}`);
  assert.equal(linksTo(base, token, 'text/csv').open, `${base}/files/download/${token}`);
});

for (const [what, address, isDead] of [
  ['the view', open, false],
  ['the download', download, false],
  ['an unknown token', linksTo(base, other, '').download, true],
  ['a token with another end', `${download.slice(0, -2)}xx`, true],
  ['a shortened token', download.slice(0, -5), true],
  ['something behind the token', `${download}/report.html`, true],
  ['a query behind the token', `${download}?x=1`, true],
  ['a word for a token', `${base}/files/download/report.html`, true],
  ['no token', `${base}/files/download/`, true],
  ['the path prefix lost', `https://bots.example.org/files/download/${token}`, true],
  ['another scheme', download.replace('https', 'http'), true],
  ['localhost', `http://localhost:8000/files/download/${token}`, true],
  ['an address of a private network', 'http://192.168.1.4/files/download/abc', true],
  ['a path alone', `/files/download/${token}`, true],
  ['an invented host', 'https://your-domain.com/files/download/abc', true],
  ['an example', 'https://files.example.com/files/download/abc', true],
  ['another host with the token', `https://evil.org/files/download/${token}`, true],
  ['somebody else’s download', 'https://archive.org/files/download/42', false],
  ['a search for it', `https://archive.org/?q=${encodeURIComponent('/files/download/x')}`, false],
  ['another path', `${base}/files/downloads`, false],
  ['another page', 'https://basecamp.com', false],
] as const) {
  test(`a link to ${what} is ${isDead ? 'dead' : 'alive'}`, () => assert.equal(dead.isDead(address), isDead));
}

test('without PUBLIC_URL no link is alive', () => {
  assert.equal(deadLinks(null, new Set([token])).isDead(download), true);
});

test('addresses are found in running text, with what stands around them left out', () => {
  for (const [before, address, after] of [
    ['See ', download, '.'],
    ['（见 ', download, '）。'],
    ['文件：', download, '，请查收'],
    ['**', download, '**'],
    ['[x](', '/files/view/abc', ')'],
    ['<a href="', open, '">'],
    ['', `${base}/files/download`, ''],
  ]) {
    const [found] = addressesIn(`${before}${address}${after}`);
    assert.deepEqual(found, {
      start: before?.length,
      end: (before?.length ?? 0) + (address?.length ?? 0),
      address,
    });
  }
  assert.equal(tokenIn(download), token);
});

test('a text without end costs no time', () => {
  const started = performance.now();
  addressesIn(`${'x'.repeat(100_000)}/files/download/`.repeat(5));
  addressesIn('/files/view/'.repeat(20_000));
  addressesIn(`/files/view/${'!'.repeat(100_000)}x`);
  addressesIn(`/files/view${'.'.repeat(200_000)}x`);
  assert.ok(performance.now() - started < 2_000);
});
