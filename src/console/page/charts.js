import { serviceNow } from './times.js';

/** Loaded before: it is not a module. */
const { uPlot } = globalThis;

/** The four charts, over the same two hours. Times are epoch seconds. */

const spanSeconds = 2 * 3600;
const paths = ['hot', 'claimed', 'resumed', 'opened'];

/** Colours of the style sheet, as a canvas understands them; looked up anew when the scheme changes. */
const palette = new Map();

function colour(name) {
  const known = palette.get(name);
  if (known) return known;
  const probe = document.createElement('i');
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  palette.set(name, found);
  return found;
}

function clear(colourName, part) {
  return `color-mix(in oklab, ${colour(colourName)} ${part}%, transparent)`;
}

function axes(valuesOf) {
  const shared = {
    stroke: colour('faint'),
    font: '11px Inter, system-ui, sans-serif',
    ticks: { show: false },
    grid: { stroke: colour('grid'), width: 1 },
  };
  const time = (_, at) =>
    at.map((seconds) =>
      new Date(seconds * 1000).toLocaleTimeString([], {
        hour: '2-digit',
        minute: '2-digit',
        hourCycle: 'h23',
      }),
    );
  return [
    { ...shared, size: 20, gap: 4, space: 60, values: time, grid: { show: false } },
    { ...shared, size: 38, gap: 4, space: 26, values: valuesOf },
  ];
}

/** Opaque, so that what lies below does not shine through what stands on it. */
function pale(colourName, part) {
  return `color-mix(in oklab, ${colour(colourName)} ${part}%, ${colour('panel')})`;
}

const whole = (_, values) => values.map((value) => (Number.isInteger(value) ? value : ''));
const bytes = (_, values) =>
  values.map((mb) => (mb >= 1000 ? `${(mb / 1024).toFixed(mb % 1024 === 0 ? 0 : 1)}G` : `${mb}M`));
const took = (_, values) =>
  values.map((seconds) => {
    if (seconds >= 60) return `${Math.round(seconds / 60)}m`;
    return seconds >= 1 ? `${seconds}s` : `${Math.round(seconds * 1000)}ms`;
  });

/** Where the chart of turns has its lines; between them it is a long way. */
const secondsBetween = (_plot, _axis, min, max) =>
  [0.01, 0.1, 1, 10, 60, 600].filter((at) => at >= min && at <= max);

const line = (colourName, more = {}) => ({
  ...{ stroke: colour(colourName), width: 1.5, points: { show: false }, spanGaps: false, ...more },
});
const stepped = () => uPlot.paths.stepped({ align: 1 });

/** Vertical strokes at the foot of the chart of memory: a session was evicted, recycled, or killed. */
function drawMarks(plot, marks) {
  const { ctx, bbox } = plot;
  ctx.save();
  for (const [at, kind] of marks) {
    const x = plot.valToPos(at, 'x', true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.fillStyle = colour(kind === 'killed' ? 'bad' : 'wait');
    const height = bbox.height * (kind === 'killed' ? 0.3 : 0.14);
    ctx.fillRect(Math.round(x), bbox.top + bbox.height - height, 2 * devicePixelRatio, height);
  }
  ctx.restore();
}

/** The line from which on idle sessions are closed. */
function drawHigh(plot, at) {
  if (at === null) return;
  const { ctx, bbox } = plot;
  const y = Math.round(plot.valToPos(at, 'y', true)) + 0.5;
  if (y < bbox.top) return;
  ctx.save();
  ctx.strokeStyle = colour('wait');
  ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.lineWidth = devicePixelRatio;
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.restore();
}

/** Rows as columns. `stack` gives what is drawn one above the other as sums, the lowest last. */
function columnsOf(rows, fields) {
  const column = (name) => rows.map((row) => row[fields.indexOf(name) + 1]);
  const at = rows.map(([seconds]) => seconds);
  const [busy, starting, idle, closing, spare] = ['busy', 'starting', 'idle', 'closing', 'spare'].map(column);
  const sum = (...lists) => at.map((_, index) => lists.reduce((total, list) => total + list[index], 0));
  return {
    memory: [at, column('limitMb'), column('usedMb'), column('agentsMb')],
    agents: [
      at,
      sum(busy, starting, idle, closing, spare),
      sum(busy, starting, idle, closing),
      sum(busy, starting),
      busy,
    ],
    mail: [at, column('waitingMail'), column('waitingSessions')],
  };
}

function latencyOf(points) {
  const sorted = [...points.values()].sort((a, b) => a[0] - b[0]);
  return [
    sorted.map(([at]) => at),
    ...paths.map((path) => sorted.map((point) => (point[2] === path ? point[1] : null))),
  ];
}

export function createCharts({ fields, samples, points: known, marks: knownMarks, highPercent }) {
  let rows = samples;
  let marks = knownMarks;
  const points = new Map(Object.entries(known));
  let plots = {};
  let until = 0;

  const range = () => {
    until = Math.max(Math.ceil(serviceNow() / 5000) * 5, rows.at(-1)?.[0] ?? 0);
    // A young service would be a thread at the edge: show no more time than there is, but some.
    const first = Math.min(rows[0]?.[0] ?? until, ...[...points.values()].map(([at]) => at));
    return [Math.max(until - spanSeconds, Math.min(first, until - 300)), until];
  };

  const highMb = () => {
    const limit = rows.at(-1)?.[fields.indexOf('limitMb') + 1];
    return limit ? (limit * highPercent) / 100 : null;
  };

  const options = {
    memory: () => ({
      axes: axes(bytes),
      scales: { y: { range: (_, _min, max) => [0, Math.max(64, max * 1.04)] } },
      series: [
        {},
        line('faint'),
        line('ink', { fill: clear('ink', 7) }),
        line('work', { fill: clear('work', 16) }),
      ],
      hooks: { draw: [(plot) => drawHigh(plot, highMb()), (plot) => drawMarks(plot, marks)] },
    }),
    agents: () => ({
      axes: axes(whole),
      scales: { y: { range: (_, _min, max) => [0, Math.max(4, Math.ceil(max * 1.1))] } },
      series: [
        {},
        ...[
          ['spare', 'faint'],
          ['idle', 'good'],
          ['starting', 'wait'],
          ['busy', 'work'],
        ].map(([, name]) => line(name, { width: 1, fill: pale(name, 42), paths: stepped() })),
      ],
    }),
    mail: () => ({
      axes: axes(whole),
      scales: { y: { range: (_, _min, max) => [0, Math.max(4, Math.ceil(max * 1.1))] } },
      series: [
        {},
        line('wait', { fill: clear('wait', 20), paths: stepped() }),
        line('bad', { width: 1, paths: stepped() }),
      ],
    }),
    latency: () => ({
      axes: axes(took).map((axis, index) =>
        index === 1 ? { ...axis, splits: secondsBetween, filter: (_plot, splits) => splits } : axis,
      ),
      scales: {
        y: { distr: 3, range: (_, min, max) => [Math.min(0.08, min ?? 1), Math.max(70, (max ?? 1) * 1.2)] },
      },
      series: [
        {},
        ...paths.map((path) => ({
          ...{ paths: () => null, stroke: colour(path), spanGaps: true },
          points: { show: true, size: innerWidth < 640 ? 4 : 6, width: 0, fill: clear(path, 75) },
        })),
      ],
    }),
  };

  const dataOf = () => ({ ...columnsOf(rows, fields), latency: latencyOf(points) });

  const sizeOf = (box) => ({ width: box.clientWidth, height: box.clientHeight });
  const build = () => {
    for (const plot of Object.values(plots)) plot.destroy();
    palette.clear();
    const data = dataOf();
    plots = Object.fromEntries(
      Object.keys(options).map((name) => {
        const box = document.getElementById(`chart-${name}`);
        const made = options[name]();
        const plot = new uPlot(
          {
            ...{
              ...made,
              ...sizeOf(box),
              legend: { show: false },
              cursor: { show: false },
              padding: [8, 14, 0, 0],
            },
            scales: { x: { range }, ...made.scales },
          },
          data[name],
          box,
        );
        return [name, plot];
      }),
    );
  };

  build();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', build);
  new ResizeObserver(() => {
    for (const [name, plot] of Object.entries(plots)) {
      const box = document.getElementById(`chart-${name}`);
      if (box.clientWidth !== plot.width || box.clientHeight !== plot.height) plot.setSize(sizeOf(box));
    }
  }).observe(document.querySelector('.cards'));

  return {
    apply(change) {
      if (!change.samples && !change.points && !change.marks) return;
      if (change.whole) {
        rows = [];
        points.clear();
      }
      const last = rows.at(-1)?.[0] ?? 0;
      rows = [...rows, ...(change.samples ?? []).filter(([at]) => at > last)];
      for (const [key, point] of Object.entries(change.points ?? {})) points.set(key, point);
      marks = change.marks ?? marks;
      const from = serviceNow() / 1000 - spanSeconds;
      rows = rows.filter(([at]) => at >= from);
      for (const [key, [at]] of points) if (at < from) points.delete(key);
      const data = dataOf();
      for (const [name, plot] of Object.entries(plots)) plot.setData(data[name]);
    },
  };
}
