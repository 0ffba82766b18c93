/** What all plots share: the sheet, its colours, its axes. Coordinates are those of the sheet. */

export const sheet = { width: 760, left: 84, right: 24, top: 74 };

/** Readable for everybody: blue and orange differ in brightness too, and every series has a shape of its own. */
const style = `
  svg { color-scheme: light dark }
  .paper { fill: #ffffff } .ink { fill: #1f2328 } .quiet { fill: #59636e } .grid { stroke: #d1d9e0 }
  .axis { stroke: #59636e } .stroke0 { stroke: #0969da } .stroke1 { stroke: #bc4c00 } .fill0 { fill: #0969da }
  .fill1 { fill: #bc4c00 }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117 } .ink { fill: #f0f6fc } .quiet { fill: #9198a1 } .grid { stroke: #2f353d }
    .axis { stroke: #9198a1 } .stroke0 { stroke: #4493f8 } .stroke1 { stroke: #f0883e } .fill0 { fill: #4493f8 }
    .fill1 { fill: #f0883e }
  }`;

export interface SheetParts {
  height: number;
  title: string;
  /** Below the title: what the axes measure. */
  subtitle: string;
  /** For whoever cannot see it. */
  description: string;
  /** Drawn samples with their names, left to right. */
  legend: ReadonlyArray<{ sample: string; name: string }>;
  body: readonly string[];
}

export function drawSheet({ height, title, subtitle, description, legend, body }: SheetParts): string {
  const { width, left } = sheet;
  let x = left;
  const entries = legend.map(({ sample, name }) => {
    const entry = `<g transform="translate(${x} 56)">${sample}${text({ x: 24, y: 4, kind: 'ink' }, name)}</g>`;
    x += 24 + name.length * 6.6 + 28;
    return entry;
  });
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title description" font-family="system-ui, sans-serif" font-size="12">`,
    `<title id="title">${escaped(title)}</title>`,
    `<desc id="description">${escaped(description)}</desc>`,
    `<style>${style}\n</style>`,
    `<rect class="paper" width="${width}" height="${height}" rx="6"/>`,
    `<text class="ink" x="${left}" y="22" font-size="15" font-weight="600">${escaped(title)}</text>`,
    text({ x: left, y: 39, kind: 'quiet' }, subtitle),
    ...entries,
    ...body,
    '</svg>',
  ].join('\n')}\n`;
}

export function text(
  {
    x,
    y,
    kind,
    anchor = 'start',
  }: { x: number; y: number; kind: 'ink' | 'quiet'; anchor?: 'start' | 'middle' | 'end' },
  words: string,
): string {
  return `<text class="${kind}" x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${escaped(words)}</text>`;
}

export function line(kind: string, from: { x: number; y: number }, to: { x: number; y: number }): string {
  return `<line class="${kind}" x1="${round(from.x)}" y1="${round(from.y)}" x2="${round(to.x)}" y2="${round(to.y)}"/>`;
}

/** A tenth of a unit is finer than anybody sees, and keeps the file small. */
export function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Round numbers from 0 to at least `max`, some `count` of them. */
export function ticksUpTo(max: number, count = 5): number[] {
  const rough = Math.max(max, Number.MIN_VALUE) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  return Array.from(
    { length: Math.ceil(max / step - 1e-9) + 1 },
    (_, index) => round(index * step * 1000) / 1000,
  );
}

/** 1, 2 and 5 of every power of ten, from the last at or below `min` to the first at or above `max`. */
export function logTicks(min: number, max: number): number[] {
  const all: number[] = [];
  for (let power = Math.floor(Math.log10(min)); power <= Math.ceil(Math.log10(max)); power++)
    for (const factor of [1, 2, 5]) all.push(factor * 10 ** power);
  const first = all.findLastIndex((tick) => tick <= min);
  const last = all.findIndex((tick) => tick >= max);
  return all.slice(Math.max(0, first), last === -1 ? undefined : last + 1);
}

function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
