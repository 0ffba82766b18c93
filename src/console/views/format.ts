import type { SessionPath } from '../../telemetry/events.ts';

/** Numbers and times as an operator reads them. */

/** "840 ms", "3.4 s", "2 min 5 s", "3 h 20 min", "4 d". */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  return age(ms);
}

/** The same in whole seconds. The page's script counts on with it: keep both alike. */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return two(seconds, 60, 'min', 's', seconds < 600);
  if (seconds < 86_400) return two(Math.floor(seconds / 60), 60, 'h', 'min', true);
  return two(Math.floor(seconds / 3600), 24, 'd', 'h', seconds < 10 * 86_400);
}

function two(count: number, base: number, big: string, small: string, both: boolean): string {
  const rest = count % base;
  return both && rest > 0
    ? `${Math.floor(count / base)} ${big} ${rest} ${small}`
    : `${Math.floor(count / base)} ${big}`;
}

export function megabytes(bytes: number): string {
  const mb = bytes / 1024 ** 2;
  return mb >= 1024 ? `${(mb / 1024).toFixed(mb >= 10_240 ? 0 : 1)} GB` : `${Math.round(mb)} MB`;
}

export function fileSize(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** Dollars; small ones with what tells them apart. */
export function dollars(usd: number): string {
  if (usd === 0) return '$0';
  if (usd < 0.001) return '<$0.001';
  return `$${usd.toFixed(usd < 0.1 ? 3 : 2)}`;
}

/** "1.2k", "34k", "1.2M". */
export function count(n: number): string {
  if (n < 1000) return String(n);
  if (n < 1_000_000) return `${(n / 1000).toFixed(n < 10_000 ? 1 : 0)}k`;
  return `${(n / 1_000_000).toFixed(1)}M`;
}

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

/** What an operator calls the ways of coming by a session. */
export const pathWords: Readonly<Record<SessionPath, string>> = {
  ...{ hot: 'hot', claimed: 'spare', resumed: 'resume', opened: 'cold' },
};

/** The value below which a share of `values` lies; null of nothing. */
export function quantile(values: readonly number[], share: number): number | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? null;
}
