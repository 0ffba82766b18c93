import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { rows } from '../../src/telemetry/metric-rows.ts';

const read = (path: string) => readFileSync(join(import.meta.dirname, '../..', path), 'utf8');

test('alert rules ask for metrics that there are', () => {
  const { groups } = parse(read('deploy/monitoring/alerts.yaml')) as {
    groups: Array<{ rules: Array<{ alert: string; expr: string; annotations: { summary: string } }> }>;
  };
  const events = Object.values(rows).flatMap((each: readonly { name: string }[]) =>
    each.map(({ name }) => `'${name}'`),
  );
  const known = [...events, read('src/app/reports.ts')].join('\n');
  const rules = groups.flatMap((group) => group.rules);
  assert.ok(rules.length > 3);
  for (const { alert, expr, annotations } of rules) {
    assert.ok(annotations.summary.length > 20, alert);
    for (const [, name] of expr.matchAll(/campfire_ai_bot_(\w+)/g))
      assert.ok(known.includes(`'${name}'`), `${alert}: ${name}`);
  }
});
