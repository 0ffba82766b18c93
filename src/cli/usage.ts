import type { Sums, UsageReport } from '../console/usage.ts';
import type { Admin } from './admin.ts';
import { tableOf } from './table.ts';

/** `campfire-ai-bot usage`: what was spent by which bot, in which room and for whom. @throws OperatorError. */
export async function usage(admin: Admin, { days, json }: { days: number; json: boolean }): Promise<string> {
  const report = await admin.get<UsageReport>(`/api/usage?days=${days}`);
  return json ? JSON.stringify(report, null, 2) : tablesOf(report);
}

function tablesOf(report: UsageReport): string {
  const { from, to, total, bots, rooms, people, budget_usd_per_day: budget, days } = report;
  const span = from === to ? from : `${from} to ${to}`;
  const today = days.find(({ day }) => day === to)?.cost_usd ?? 0;
  const ofBudget = budget === null ? '' : ` of a budget of ${money(budget)}`;
  const head = `${span} (${report.time_zone}): ${money(total.cost_usd)} in ${total.turns} turns; today ${money(today)}${ofBudget}`;
  if (total.turns === 0 && total.cost_usd === 0) return `${head}\nNothing was asked.`;
  return [
    head,
    table(['bot', 'today', 'budget'], bots, ({ bot, today_usd, budget_usd_per_day: own }) => [
      ...[bot, money(today_usd), own === null ? '' : money(own)],
    ]),
    table(['room'], rooms, ({ room, name }) => [`${room} ${name ?? '(direct)'}`]),
    table(['person'], people, ({ person, name }) => [`${person} ${name ?? ''}`.trim()]),
  ].join('\n\n');
}

function table<S extends Sums>(names: string[], list: readonly S[], cells: (each: S) => string[]): string {
  const rows = list.map((each) => [
    ...cells(each),
    ...[String(each.turns), money(each.cost_usd)],
    ...[each.input_tokens, each.output_tokens, each.cache_read_tokens, each.cache_write_tokens].map(
      thousands,
    ),
  ]);
  return tableOf([...names, 'turns', 'cost', 'in', 'out', 'cache read', 'cache write'], rows, 1);
}

/** To four places: a question may cost a tenth of a cent. */
function money(usd: number): string {
  return `$${usd.toFixed(usd > 0 && usd < 1 ? 4 : 2)}`;
}

function thousands(value: number): string {
  return value.toLocaleString('en');
}
