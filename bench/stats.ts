/** Small numbers out of many: what a table says of a series of measurements. */

export interface Summary {
  runs: number;
  median: number;
  p99: number;
}

/** @throws RangeError when there is nothing to summarise. */
export function summarise(values: readonly number[]): Summary {
  return { runs: values.length, median: quantile(values, 0.5), p99: quantile(values, 0.99) };
}

/** The smallest value that at least `share` (0 to 1) of all values do not exceed: an observed one, not a mean of two. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const found = sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
  if (found === undefined) throw new RangeError('Nothing was measured.');
  return found;
}

/** Growth of `y` per unit of `x`: the slope of the straight line that fits best. */
export function slope(points: ReadonlyArray<{ x: number; y: number }>): number {
  const mean = (of: (point: { x: number; y: number }) => number) =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const meanX = mean(({ x }) => x);
  const meanY = mean(({ y }) => y);
  const varied = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
  if (varied === 0) throw new RangeError('A slope needs points at two places.');
  return points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0) / varied;
}
