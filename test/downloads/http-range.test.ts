import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decideFileAnswer } from '../../src/downloads/http-range.ts';

const etag = '"abc"';
const part = (start: number, length: number) => ({ status: 206, start, length });
const whole = { status: 200, start: 0, length: 100 };

const cases: Array<
  [headers: Record<string, string>, answer: unknown, method?: 'GET' | 'HEAD', size?: number]
> = [
  [{}, whole],
  [{ range: 'bytes=0-9' }, part(0, 10)],
  [{ range: 'bytes=90-' }, part(90, 10)],
  [{ range: 'bytes=90-1000' }, part(90, 10)],
  [{ range: 'bytes=-10' }, part(90, 10)],
  [{ range: 'bytes=-1000' }, part(0, 100)],
  [{ range: 'bytes=99-99' }, part(99, 1)],
  [{ range: 'Bytes=0-0' }, part(0, 1)],
  [{ range: 'bytes=100-' }, { status: 416 }],
  [{ range: 'bytes=-0' }, { status: 416 }],
  [{ range: 'bytes=0-' }, { status: 416 }, 'GET', 0],
  [{ range: 'bytes=9-0' }, whole],
  [{ range: 'bytes=-' }, whole],
  [{ range: 'bytes=0-9,20-29' }, whole],
  [{ range: 'lines=0-9' }, whole],
  [{ range: 'bytes=a-b' }, whole],
  [{ range: 'bytes=99999999999999999999-' }, whole],
  [{ range: 'bytes=0-9' }, whole, 'HEAD'],
  [{ range: 'bytes=0-9', 'if-range': etag }, part(0, 10)],
  [{ range: 'bytes=0-9', 'if-range': '"other"' }, whole],
  [{ range: 'bytes=0-9', 'if-range': 'W/"abc"' }, whole],
  [{ range: 'bytes=0-9', 'if-range': 'Tue, 24 Nov 2026 10:00:00 GMT' }, whole],
  [{ 'if-none-match': etag }, { status: 304 }],
  [{ 'if-none-match': 'W/"abc", "x"' }, { status: 304 }],
  [{ 'if-none-match': '*' }, { status: 304 }, 'HEAD'],
  [{ 'if-none-match': '"x"' }, whole],
  [{ 'if-none-match': etag, range: 'bytes=0-9' }, { status: 304 }],
  [{ 'if-match': '"x"' }, { status: 412 }],
  [{ 'if-match': '"x", "abc"' }, whole],
];

for (const [headers, answer, method = 'GET', size = 100] of cases) {
  test(`${method} of ${size} bytes with ${JSON.stringify(headers)}`, () => {
    assert.deepEqual(decideFileAnswer({ method, size, etag, header: (name) => headers[name] }), answer);
  });
}
