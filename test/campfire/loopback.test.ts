import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLoopbackAddress, isLoopbackHost, isLoopbackUrl } from '../../src/campfire/loopback.ts';

test('loopback is 127.0.0.0/8, ::1 and the former inside IPv6, and nothing else', () => {
  for (const address of ['127.0.0.1', '127.255.0.9', '::1', '::ffff:127.0.0.1', '0:0:0:0:0:0:0:1']) {
    assert(isLoopbackAddress(address), address);
  }
  for (const address of [
    '10.0.0.1',
    '128.0.0.1',
    '0.0.0.0',
    '::',
    '::ffff:10.0.0.1',
    'fe80::1',
    '',
    'localhost',
    '127.1',
  ]) {
    assert(!isLoopbackAddress(address), address);
  }
});

test('a host is loopback by name or address, with or without a port, and not by a likeness', () => {
  for (const host of [
    'localhost',
    'LOCALHOST:8000',
    'bots.localhost',
    '127.0.0.1:1',
    '[::1]',
    '[::1]:8000',
  ]) {
    assert(isLoopbackHost(host), host);
  }
  for (const host of [
    '',
    'localhost.example.com',
    '127.0.0.1.example.com',
    'notlocalhost',
    'example.com:127',
  ]) {
    assert(!isLoopbackHost(host), host);
  }
  assert(isLoopbackUrl('http://127.0.0.1:8000/files'));
  assert(!isLoopbackUrl('https://bots.example.com'));
  assert(!isLoopbackUrl('localhost'));
});
