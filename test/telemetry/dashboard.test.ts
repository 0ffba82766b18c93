import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { rows } from '../../src/telemetry/metric-rows.ts';

const read = (path: string) => readFileSync(join(import.meta.dirname, '../..', path), 'utf8');

interface Panel {
  id: number;
  type: string;
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { expr: string }[];
}

const dashboard = JSON.parse(read('deploy/monitoring/grafana-dashboard.json')) as { panels: Panel[] };
const graphs = dashboard.panels.filter(({ type }) => type !== 'row');

/** What is counted by events, and what is read at each scrape. */
const counted = Object.values(rows).flat();
const histograms = new Set(counted.flatMap((row) => (row.buckets ? [row.name] : [])));
const names = new Set([
  ...counted.map(({ name }) => name),
  ...[...read('src/app/reports.ts').matchAll(/metrics\.gauge\(\s*'(\w+)'/g)].map(([, name]) => name ?? ''),
]);

test('the dashboard asks for metrics that there are, and for histograms by their buckets', () => {
  assert.ok(graphs.length > 15);
  assert.ok(names.size > 30 && histograms.size > 3);
  for (const { title, targets = [] } of graphs) {
    assert.ok(targets.length > 0, title);
    for (const { expr } of targets) {
      const asked = [...expr.matchAll(/campfire_ai_bot_(\w+)/g)].map(([, name]) => name ?? '');
      assert.ok(asked.length > 0, expr);
      for (const name of asked) {
        const bare = name.replace(/_bucket$/, '');
        assert.ok(names.has(bare), `${title}: ${name}`);
        assert.equal(name !== bare, histograms.has(bare), `${title}: ${name}`);
      }
    }
  }
});

test('labels that the dashboard tells apart are those of the metric', () => {
  const labelled = new Map<string, Set<string>>();
  for (const { name, labels = [] } of counted) labelled.set(name, new Set([...labels, 'le']));
  // A gauge's label is the last thing that it is given.
  for (const gauge of read('src/app/reports.ts').split('metrics.gauge(').slice(1)) {
    const [, name = ''] = /^\s*'(\w+)'/.exec(gauge) ?? [];
    const [call = ''] = gauge.split(/\);\n/);
    const [, label] = /'(\w+)',?\s*$/.exec(call) ?? [];
    labelled.set(name, new Set(label === undefined || label === name ? [] : [label]));
  }
  assert.ok(labelled.get('sessions')?.has('state') && labelled.get('memory_level')?.size === 0);
  for (const { title, targets = [] } of graphs) {
    for (const { expr } of targets) {
      const [, by] = /by \(([^)]+)\)/.exec(expr) ?? [];
      const [, name] = /campfire_ai_bot_(\w+?)(?:_bucket)?\{/.exec(expr) ?? [];
      const labels = labelled.get(name ?? '');
      for (const label of by?.split(', ') ?? [])
        assert.ok(labels?.has(label), `${title}: ${name} has no label ${label}`);
    }
  }
});

test('no panel lies on another', () => {
  const taken = new Set<string>();
  assert.equal(new Set(dashboard.panels.map(({ id }) => id)).size, dashboard.panels.length);
  for (const { title, gridPos } of dashboard.panels) {
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        assert.ok(x < 24 && !taken.has(`${x} ${y}`), title);
        taken.add(`${x} ${y}`);
      }
  }
});
