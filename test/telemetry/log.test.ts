import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fanOut } from '../../src/telemetry/events.ts';
import { createLog, redact } from '../../src/telemetry/log.ts';

function logInto(lines: string[], secrets: string[] = []) {
  const destination = { write: (line: string) => void lines.push(line) };
  return createLog({ level: 'debug', secrets: () => secrets, destination });
}

test('an event is one JSON line with the words that people search for', () => {
  const lines: string[] = [];
  const { emit } = logInto(lines);
  emit({ type: 'session.closed', session: '7:helper', reason: 'idle', closeMs: 12, forced: null });
  const { time, ...line } = JSON.parse(lines[0] ?? '') as Record<string, unknown>;
  assert.equal(typeof time, 'number');
  assert.deepEqual(line, {
    ...{ level: 'info', event: 'session.closed', session: '7:helper', reason: 'idle', closeMs: 12 },
    ...{ forced: null, msg: '[Cleanup] Closed agent client for session' },
  });
});

test('no line holds a configured secret or anything shaped like a bot key, wherever it stands', () => {
  const lines: string[] = [];
  const { log, emit } = logInto(lines, ['sk-ant-secret']);
  emit({
    type: 'part.failed',
    part: 'x',
    problem: 'POST /rooms/1/12-AbCdEf123456/messages with sk-ant-secret',
  });
  log.info({ nested: { key: '12-AbCdEf123456' } }, 'sk-ant-secret');
  assert.equal(lines.length, 2);
  assert.doesNotMatch(lines.join(''), /AbCdEf123456|sk-ant-secret/);
  assert.match(lines.join(''), /rooms\/1\/\[redacted\]\/messages/);
});

test('redaction leaves other text alone', () => {
  const text = 'room 12-34, 2026-11-24, 1-short, turn 7:helper';
  assert.equal(redact(text, ['']), text);
});

test('a listener that throws does not keep the others from hearing', () => {
  const heard: string[] = [];
  const emit = fanOut([
    () => {
      throw new Error('no');
    },
    ({ type }) => heard.push(type),
  ]);
  emit({ type: 'service.stopped', exitCode: 0 });
  assert.deepEqual(heard, ['service.stopped']);
});
