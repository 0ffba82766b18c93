import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { displayName, disposition, mediaTypeOf, withExtension } from '../../src/downloads/names.ts';

for (const [what, wanted, shown] of [
  ['Chinese with a space', '季度 报告.html', '季度 报告.html'],
  ['a path', '../../etc/passwd', 'etc-passwd'],
  ['a whole path', '/etc/passwd', 'etc-passwd'],
  ['a path of Windows', '..\\..\\boot.ini', 'boot.ini'],
  ['control characters', 'a\r\nSet-Cookie: x=1\0.txt', 'a Set-Cookie- x=1 .txt'],
  ['a reversed direction', 'invoice\u202Egpj.exe', 'invoicegpj.exe'],
  ['isolates and marks', 'a\u2066b\u200Fc\uFEFF.txt', 'abc.txt'],
  ['quotes and wildcards', 'a"b*c?d<e>f|g%20.txt', 'a-b-c-d-e-f-g-20.txt'],
  ['a hidden file', '.bashrc', 'bashrc'],
  ['dots and blanks around', ' . report.pdf . ', 'report.pdf'],
  ['half a surrogate', 'a\uD800b.txt', 'ab.txt'],
  ['an emoji of several parts', '👩‍💻.txt', '👩‍💻.txt'],
  ['nothing', '', 'file'],
  ['nothing visible', '../..\u200B', 'file'],
] as const) {
  test(`a name with ${what} is shown as what it is`, () => {
    assert.equal(displayName(wanted, 'file'), shown);
  });
}

test('a long name is shortened by whole characters, and its extension stays', () => {
  const name = displayName(`${'季'.repeat(300)}.html`, 'file');
  assert.ok(Buffer.byteLength(name) <= 247);
  assert.match(name, /^季+\.html$/);
  assert.match(displayName(`${'😀'.repeat(100)}.tar.gz`, 'file'), /^(?:😀)+\.tar\.gz$|^(?:😀)+\.gz$/u);
  assert.ok(Buffer.byteLength(displayName('x'.repeat(400), 'file')) <= 247);
});

test('a name without end costs no time', () => {
  const started = performance.now();
  assert.match(displayName(`a${'. '.repeat(100_000)}x.csv`, 'file'), /^a\..*\.csv$/);
  assert.ok(performance.now() - started < 2_000);
});

test('any name becomes one that is safe, and stays it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (wanted) => {
      const name = displayName(wanted, 'file');
      assert.ok(name.length > 0 && Buffer.byteLength(name) <= 247);
      assert.doesNotMatch(name, /[\p{Cc}/\\%"\u202a-\u202e]|^\.|^\s|\s$/u);
      assert.equal(name.isWellFormed(), true);
      assert.equal(displayName(name, 'file'), name);
      assert.doesNotThrow(() => new Headers({ 'Content-Disposition': disposition('attachment', name) }));
    }),
    { numRuns: 50 },
  );
});

test('a name without end is shortened at once', () => {
  const started = performance.now();
  for (const run of ['.', ' .', '\u00a0', '/', '季']) displayName(`a${run.repeat(200_000)}b`, 'file');
  assert.ok(performance.now() - started < 2_000);
});

test('a name without an extension gets that of the file', () => {
  assert.equal(withExtension('季度报告', 'out/report.xlsx'), '季度报告.xlsx');
  assert.equal(withExtension('report.pdf', 'x.xlsx'), 'report.pdf');
});

test('the name is told in UTF-8, and in ASCII for whoever needs that', () => {
  assert.equal(
    disposition('attachment', "季度 (报告)'.html"),
    `attachment; filename="__ (__)'.html"; filename*=UTF-8''%E5%AD%A3%E5%BA%A6%20%28%E6%8A%A5%E5%91%8A%29%27.html`,
  );
});

test('types follow the extension', () => {
  const types = ['a.HTML', 'b.csv', 'c.xlsx', 'd.pptx', 'e.md', 'f', 'g.unknown', 'h.ts'].map(mediaTypeOf);
  assert.deepEqual(types, [
    'text/html',
    'text/csv',
    'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
    'application/vnd.openxmlformats-officedocument.presentationml.presentation',
    'text/markdown',
    'application/octet-stream',
    'application/octet-stream',
    'text/plain',
  ]);
});
