import { drawLines } from './lines.ts';
import type { Plot } from './plot.ts';
import { drawStrips } from './strips.ts';

/** The plot as an SVG document that brings its colours for light and dark. */
export function draw(plot: Plot): string {
  return plot.kind === 'lines' ? drawLines(plot) : drawStrips(plot);
}
