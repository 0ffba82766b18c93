import type { LinesPlot } from './plot.ts';
import { drawSheet, line, round, sheet, text, ticksUpTo } from './svg.ts';

const height = 340;
const bottom = 300;

/** Steps in time as polylines; the second series is dashed, so that it needs no colour to be told apart. */
export function drawLines(plot: LinesPlot): string {
  const points = plot.lines.flatMap((each) => each.points);
  const yTicks = ticksUpTo(Math.max(1, ...points.map(({ y }) => y)) * 1.02);
  const xTicks = ticksUpTo(Math.max(1, ...points.map(({ x }) => x)), 10);
  const xMax = Math.max(1, ...points.map(({ x }) => x));
  const yMax = yTicks.at(-1) ?? 1;
  const right = sheet.width - sheet.right;
  const at = ({ x, y }: { x: number; y: number }) => ({
    x: sheet.left + (x / xMax) * (right - sheet.left),
    y: bottom - (y / yMax) * (bottom - sheet.top),
  });
  const xUnit = plot.xUnit ?? 'seconds';
  const xAxis = xTicks
    .filter((x) => x <= xMax)
    .map((x) => text({ x: at({ x, y: 0 }).x, y: bottom + 18, kind: 'quiet', anchor: 'middle' }, label(x)));
  const yAxis = yTicks.flatMap((y) => [
    line(
      y === 0 ? 'axis' : 'grid',
      { x: sheet.left, y: at({ x: 0, y }).y },
      { x: right, y: at({ x: 0, y }).y },
    ),
    text({ x: sheet.left - 8, y: at({ x: 0, y }).y + 4, kind: 'quiet', anchor: 'end' }, label(y)),
  ]);
  const markers = plot.markers.map((x) => {
    const { x: across } = at({ x, y: 0 });
    return `<path class="axis" d="M${round(across)} ${bottom + 1} l-4 6 h8 z" fill="none"/>`;
  });
  const lines = plot.lines.map(({ series, points }) => {
    const path = points.map((point) => `${round(at(point).x)},${round(at(point).y)}`).join(' ');
    return `<polyline class="stroke${series}" fill="none" stroke-width="2" stroke-linejoin="round"${dash(series)} points="${path}"/>`;
  });
  const used = plot.series.filter((_, series) => plot.lines.some((each) => each.series === series));
  return drawSheet({
    ...{ height, title: plot.title },
    subtitle: `${plot.unit}, over ${xUnit}${plot.markers.length > 0 ? '; ▵ a burst begins' : ''}`,
    description: plot.lines
      .map((each) => `${plot.series[each.series]}: ${courseOf(each.points)} ${plot.unit}.`)
      .join(' '),
    legend: used.map((name) => {
      const series = plot.series.indexOf(name);
      return { name, sample: `<line class="stroke${series}" x2="18" stroke-width="2"${dash(series)}/>` };
    }),
    body: [
      ...yAxis,
      ...xAxis,
      text({ x: right, y: bottom + 34, kind: 'quiet', anchor: 'end' }, xUnit),
      ...markers,
      ...lines,
    ],
  });
}

function dash(series: number): string {
  return series === 1 ? ' stroke-dasharray="6 4"' : '';
}

function courseOf(points: LinesPlot['lines'][number]['points']): string {
  const values = points.map(({ y }) => y);
  return `from ${label(values[0] ?? 0)} to at most ${label(Math.max(...values))}, at the end ${label(values.at(-1) ?? 0)}`;
}

function label(value: number): string {
  return (Math.abs(value) >= 10 ? Math.round(value) : round(value)).toLocaleString('en-US');
}
