/** What a measurement says about a target: pure, so that a test can turn it red. */

export type Unit = 'ms' | 'MB' | 'KB' | 'processes';

export type Verdict =
  | { kind: 'met' | 'missed'; value: number; limit: number; unit: Unit }
  /** A number without a target. */
  | { kind: 'no-target' }
  | { kind: 'not-measured'; why: string };

/** Met when `value` is at most `limit`, both in `unit`. */
export function atMost(value: number, limit: number, unit: Unit): Verdict {
  return { kind: value <= limit ? 'met' : 'missed', value, limit, unit };
}

export function inWords(verdict: Verdict): string {
  switch (verdict.kind) {
    case 'met':
      return `met (limit ${amount(verdict.limit, verdict.unit)})`;
    case 'missed':
      return `**missed**: ${amount(verdict.value, verdict.unit)}, limit ${amount(verdict.limit, verdict.unit)}`;
    case 'no-target':
      return '—';
    case 'not-measured':
      return `not measured: ${verdict.why}`;
  }
}

/** `1,250 ms`, `9.4 ms`, `0 processes`: three digits are enough for anything that a shared machine measures. */
export function amount(value: number, unit: Unit): string {
  return unit === 'processes' ? `${value}` : `${digits(value)} ${unit}`;
}

function digits(value: number): string {
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US');
  if (Math.abs(value) >= 100) return value.toFixed(0);
  return Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2);
}
