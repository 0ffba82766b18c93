import { type Cell, layers, moments, redisVictims, users, victims } from './cells.ts';
import type { CellResult } from './matrix.ts';

const howToRead = `Milliseconds until the last process of the session was gone: from the kill for \`claude\` and for the service; from the
close that followed the kill for everything else; in the group layer, for a service killed or crashed, from its next start
(its own start included). – means that there is no such process at that moment, bold that the bound was missed.`;

/** The matrix as a page shows it: per layer and user one table, milliseconds until the last process was gone. */
export function matrixTable(results: readonly CellResult[]): string {
  const byCell = new Map(results.map((result) => [keyOf(result.cell), result]));
  const tables = layers.flatMap((layer) =>
    users.flatMap((user) => {
      const killed = results.some(({ cell }) => redisVictims.some((one) => one === cell.victim))
        ? [...victims, ...redisVictims]
        : victims;
      const rows = killed.map((victim) => {
        const words = moments.map((moment) => wordFor(byCell.get(keyOf({ layer, user, moment, victim }))));
        return `| ${victim} | ${words.join(' | ')} |`;
      });
      const head = [`| killed | ${moments.join(' | ')} |`, `|---|${'---:|'.repeat(moments.length)}`];
      const ran = results.some(({ cell }) => cell.layer === layer && cell.user === user);
      return ran ? [`### ${layer} layer, ${user}`, [...head, ...rows].join('\n')] : [];
    }),
  );
  return [howToRead, ...tables].join('\n\n');
}

/** One line per failed cell, with what was left. */
export function failures(results: readonly CellResult[]): string[] {
  return results
    .filter(({ passed }) => !passed)
    .map(({ cell, goneMs, left }) => {
      const what =
        left.length > 0 ? `left: ${left.map((line) => line.slice(0, 100)).join('; ')}` : `${goneMs} ms`;
      return `${keyOf(cell)}: ${what}`;
    });
}

export function keyOf({ layer, user, moment, victim }: Cell): string {
  return `${layer}, ${user}, ${moment}: ${victim}`;
}

export function wordFor(result: CellResult | undefined): string {
  if (!result) return '';
  const { expected, goneMs, left, passed } = result;
  if (expected.kind === 'no-victim') return '–';
  if (expected.kind === 'not-held') return left.length > 0 ? 'not held' : 'gone by luck';
  return `${passed ? '' : '**'}${goneMs ?? `${left.length} left`}${passed ? '' : '**'}`;
}
