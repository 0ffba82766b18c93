/** Two series at most share a plot: the first is ours, the second what it is compared with. */
export type SeriesIndex = 0 | 1;

interface Described {
  /** Its name in docs/benchmarks/. */
  file: string;
  title: string;
  /** Of the values. */
  unit: string;
  series: readonly [string, string];
}

/** Values over time, or over whatever `xUnit` says. */
export interface LinesPlot extends Described {
  kind: 'lines';
  xUnit?: string;
  lines: ReadonlyArray<{ series: SeriesIndex; points: ReadonlyArray<{ x: number; y: number }> }>;
  /** Where on the horizontal axis something began. */
  markers: readonly number[];
}

/** Every single measurement as a dot, with median and p99, in groups below each other. */
export interface StripsPlot extends Described {
  kind: 'strips';
  groups: ReadonlyArray<{
    name: string;
    strips: ReadonlyArray<{ series: SeriesIndex; values: readonly number[] }>;
  }>;
}

export type Plot = LinesPlot | StripsPlot;
