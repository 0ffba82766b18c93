import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { replaceMarked } from '../../bench/marked.ts';
import { draw } from '../../bench/plot/draw.ts';
import { logTicks, ticksUpTo } from '../../bench/plot/svg.ts';
import { tableOf } from '../../bench/report.ts';
import { quantile, slope, summarise } from '../../bench/stats.ts';
import { amount, atMost } from '../../bench/verdict.ts';

describe('statistics', () => {
  test('median and p99 are measured values', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
    assert.deepEqual(summarise(hundred), { runs: 100, median: 50, p99: 99 });
    assert.equal(quantile([3], 0.99), 3);
    assert.throws(() => summarise([]), /Nothing was measured/);
  });

  test('the slope of a straight line is its own, noise or not', () => {
    const line = [1, 2, 3, 4].map((x) => ({ x, y: 2 * x + (x % 2 === 0 ? 0.1 : -0.1) }));
    assert.ok(Math.abs(slope(line) - 2) < 0.1);
    assert.throws(() => slope([{ x: 1, y: 1 }]), RangeError);
  });
});

test('a verdict: on the limit is met, above it is not, and the table says which', () => {
  assert.equal(atMost(10, 10, 'ms').kind, 'met');
  const missed = atMost(12.34, 10, 'ms');
  assert.equal(missed.kind, 'missed');
  const row = {
    what: 'x',
    predecessor: '',
    ours: '12.3 ms',
    baseline: '',
    target: '≤ 10 ms',
    verdict: missed,
  };
  assert.equal(
    tableOf([row]).split('\n').at(-1),
    '| x | — | 12.3 ms | — | ≤ 10 ms | **missed**: 12.3 ms, limit 10.0 ms |',
  );
  assert.deepEqual([amount(1234, 'MB'), amount(0, 'processes')], ['1,234 MB', '0']);
});

test('only what stands between its marks is replaced, and a page without them is refused', () => {
  const page = 'before\n<!-- a: begin -->\nold\n<!-- a: end -->\nafter\n';
  assert.equal(replaceMarked(page, 'a', 'new\n'), 'before\n<!-- a: begin -->\nnew\n<!-- a: end -->\nafter\n');
  assert.throws(() => replaceMarked(page, 'b', ''), /no place marked "b"/);
});

describe('plots', () => {
  test('ticks are round numbers that hold all values', () => {
    assert.deepEqual(ticksUpTo(47), [0, 10, 20, 30, 40, 50]);
    assert.deepEqual(ticksUpTo(0.9), [0, 0.2, 0.4, 0.6, 0.8, 1]);
    assert.deepEqual(logTicks(23, 420), [20, 50, 100, 200, 500]);
  });

  test('lines: every point is on the sheet, both colour schemes are there, and words tell the course', () => {
    const svg = draw({
      ...{
        kind: 'lines',
        file: 'a.svg',
        title: 'A & B',
        unit: 'MB',
        series: ['ours', 'theirs'],
        markers: [5],
      },
      lines: [
        {
          series: 0,
          points: [
            { x: 0, y: 100 },
            { x: 10, y: 900 },
            { x: 20, y: 101 },
          ],
        },
        {
          series: 1,
          points: [
            { x: 0, y: 0 },
            { x: 20, y: 1200 },
          ],
        },
      ],
    });
    const coordinates = [...svg.matchAll(/points="([^"]+)"/g)].flatMap(([, points = '']) =>
      points.split(/[ ,]/),
    );
    assert.equal(coordinates.length, 10);
    assert.ok(coordinates.every((each) => Number(each) >= 0 && Number(each) <= 760));
    assert.match(svg, /prefers-color-scheme: dark/);
    assert.match(svg, /<title id="title">A &amp; B<\/title>/);
    assert.match(svg, /ours: from 100 to at most 900, at the end 101 MB\./);
  });

  test('strips: one dot per run, a bar each for median and p99', () => {
    const svg = draw({
      ...{ kind: 'strips', file: 'b.svg', title: 'Latency', unit: 'milliseconds', series: ['ours', 'raw'] },
      groups: [
        {
          name: 'hot',
          strips: [
            { series: 0, values: [20, 30, 40] },
            { series: 1, values: [20, 25] },
          ],
        },
        { name: 'spare', strips: [{ series: 0, values: [150] }] },
      ],
    });
    // One more of each in the legend.
    assert.equal(svg.match(/<circle /g)?.length, 4 + 1);
    assert.equal(svg.match(/<rect class="fill1"/g)?.length, 2 + 1);
    assert.equal(svg.match(/stroke-width="3"/g)?.length, 3 * 2);
    assert.match(svg, /hot, ours: median 30, p99 40\./);
  });
});
