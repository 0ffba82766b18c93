import { representativeCells } from './cells.ts';
import { runCell } from './matrix.ts';
const [from='0', to='99'] = process.argv.slice(2);
for (const cell of representativeCells().slice(Number(from), Number(to))) {
  const t = performance.now();
  try {
  const r = await runCell(cell);
  console.log(r.passed, Object.values(cell).join(' | '), r.goneMs, 'of', r.before, r.left, Math.round(performance.now()-t));
  } catch (e) { console.log('THREW', Object.values(cell).join(' | '), String(e).slice(0,600)); }
}
