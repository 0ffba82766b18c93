import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runSoak, type SoakOptions } from '../../bench/soak/soak.ts';
import { soakVerdict } from '../../bench/soak/soak-table.ts';

const soak = (t: { diagnostic(line: string): void }, options: Partial<SoakOptions>) =>
  runSoak({
    ...{ sessions: 1000, minutes: 0.5, seed: 11, containment: 'auto', reaper: true, ...options },
    tell: (line) => t.diagnostic(line),
  });

test('half a minute under random kill -9: nothing is left behind, lost or answered twice', async (t) => {
  const report = await soak(t, {});
  assert.deepEqual(soakVerdict(report), []);
  assert.ok(report.sessions >= 5 && report.kills.service >= 1, 'it did something');
  assert.ok(report.kills.claude + report.kills.mcp >= 1);
});

test('the same with nobody to end what is left over reports leaks', async (t) => {
  const report = await soak(t, { minutes: 0.1, containment: 'group', reaper: false });
  assert.match(soakVerdict(report).join('\n'), /left behind: .*sleep 1000/);
});
