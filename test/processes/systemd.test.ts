import { test } from 'node:test';
import { notifySystemd } from '../../src/processes/systemd.ts';

test('a state that cannot be told, for whatever reason, throws nothing', () => {
  notifySystemd('/nowhere', 'READY=1', '/nowhere');
  // More than the kernel takes for a program's environment: Node throws that.
  notifySystemd('/nowhere'.repeat(1 << 16), 'WATCHDOG=1', '/usr/bin:/bin');
});
