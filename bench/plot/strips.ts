import { quantile } from '../stats.ts';
import type { SeriesIndex, StripsPlot } from './plot.ts';
import { drawSheet, line, logTicks, round, sheet, text } from './svg.ts';

const stripHeight = 26;
const groupGap = 16;

/** Dots on a logarithmic axis, because the paths differ by the factor that one wants to see. */
export function drawStrips(plot: StripsPlot): string {
  const values = plot.groups.flatMap(({ strips }) => strips.flatMap((strip) => strip.values));
  const ticks = logTicks(Math.min(...values), Math.max(...values));
  const [min, max] = [ticks[0] ?? 1, ticks.at(-1) ?? 10];
  const right = sheet.width - sheet.right;
  const across = (value: number) =>
    sheet.left + ((Math.log(value) - Math.log(min)) / (Math.log(max) - Math.log(min))) * (right - sheet.left);
  let top = sheet.top + 12;
  const groups = plot.groups.flatMap(({ name, strips }) => {
    const middle = top + (strips.length * stripHeight) / 2;
    const label = text({ x: sheet.left - 14, y: middle + 4, kind: 'ink', anchor: 'end' }, name);
    const drawn = strips.flatMap((strip) => {
      const marks = stripOf(strip, top + stripHeight / 2, across);
      top += stripHeight;
      return marks;
    });
    top += groupGap;
    return [label, ...drawn];
  });
  const bottom = top;
  const axis = ticks.flatMap((tick) => [
    line('grid', { x: across(tick), y: sheet.top }, { x: across(tick), y: bottom }),
    text({ x: across(tick), y: bottom + 18, kind: 'quiet', anchor: 'middle' }, tick.toLocaleString('en-US')),
  ]);
  return drawSheet({
    ...{ height: bottom + 34, title: plot.title },
    subtitle: `${plot.unit}; every dot is one run, the tall bar is the median, the short one p99`,
    description: describe(plot),
    legend: plot.series.map((name, series) => ({ name, sample: dot(series === 0 ? 0 : 1, 9, 0, 1) })),
    body: [...axis, ...groups],
  });
}

function stripOf(
  { series, values }: { series: SeriesIndex; values: readonly number[] },
  middle: number,
  across: (value: number) => number,
): string[] {
  // Shifted by their order, always the same way, so that equal values do not hide each other.
  const dots = values.map((value, index) =>
    dot(series, across(value), middle + ((index * 5) % 11) - 5, 0.35),
  );
  const bar = (value: number, half: number) =>
    `<line class="stroke${series}" stroke-width="3" x1="${round(across(value))}" x2="${round(across(value))}" y1="${middle - half}" y2="${middle + half}"/>`;
  return [...dots, bar(quantile(values, 0.5), 11), bar(quantile(values, 0.99), 5)];
}

/** Ours is a circle, the other a square. */
function dot(series: SeriesIndex, x: number, y: number, opacity: number): string {
  return series === 0
    ? `<circle class="fill0" cx="${round(x)}" cy="${round(y)}" r="3" opacity="${opacity}"/>`
    : `<rect class="fill1" x="${round(x - 2.5)}" y="${round(y - 2.5)}" width="5" height="5" opacity="${opacity}"/>`;
}

function describe({ groups, series }: StripsPlot): string {
  return groups
    .flatMap(({ name, strips }) =>
      strips.map(
        (strip) =>
          `${name}, ${series[strip.series]}: median ${Math.round(quantile(strip.values, 0.5))}, p99 ${Math.round(quantile(strip.values, 0.99))}.`,
      ),
    )
    .join(' ');
}
