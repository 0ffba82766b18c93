/** A straight line through points, and how sure one can be of its slope. */
export interface Slope {
  perUnit: number;
  /** Half the width of the 95 % confidence interval; infinite with too few points. */
  margin95: number;
  points: number;
}

export interface Point {
  x: number;
  y: number;
}

/**
 * Least squares over several series that share a slope but not a level: each life of a service begins anew, so only
 * what changes within a life counts.
 */
export function sharedSlope(series: ReadonlyArray<readonly Point[]>): Slope {
  const usable = series.filter((points) => points.length >= 2);
  const centred = usable.flatMap((points) => {
    const meanX = mean(points.map(({ x }) => x));
    const meanY = mean(points.map(({ y }) => y));
    return points.map(({ x, y }) => ({ x: x - meanX, y: y - meanY }));
  });
  const spread = sum(centred.map(({ x }) => x * x));
  const freedom = centred.length - usable.length - 1;
  if (spread === 0 || freedom < 1) return { perUnit: 0, margin95: Infinity, points: centred.length };
  const perUnit = sum(centred.map(({ x, y }) => x * y)) / spread;
  const residual = sum(centred.map(({ x, y }) => (y - perUnit * x) ** 2));
  return {
    perUnit,
    margin95: studentT975(freedom) * Math.sqrt(residual / freedom / spread),
    points: centred.length,
  };
}

/** The 97.5 % point of Student's t: Cornish and Fisher's expansion, exact to 1 % from 3 degrees of freedom on. */
function studentT975(freedom: number): number {
  if (freedom === 1) return 12.71;
  if (freedom === 2) return 4.303;
  const z = 1.959964;
  const first = (z ** 3 + z) / 4;
  const second = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96;
  const third = (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384;
  return z + first / freedom + second / freedom ** 2 + third / freedom ** 3;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function mean(numbers: readonly number[]): number {
  return sum(numbers) / numbers.length;
}
