import { spawn } from 'node:child_process';
import { json, text } from 'node:stream/consumers';
import { toolEnvironment } from './tools.ts';

export interface ImportProblem {
  rule: string;
  from: string;
  to: string;
  remedy: string;
}

interface CruiseResult {
  summary: {
    totalCruised: number;
    violations: { from: string; to: string; rule: { name: string }; cycle?: { name: string }[] }[];
    ruleSetUsed: { forbidden: { name: string; comment?: string }[] };
  };
}

/** Runs dependency-cruiser over src/, test/, scripts/ and bench/ below `root`, with the configuration that stands there. */
export async function checkImports(
  root: string,
): Promise<{ modulesSeen: number; problems: ImportProblem[] }> {
  const { summary } = await cruise(root);
  // With a compiler that it cannot use, dependency-cruiser sees no module at all and is content.
  if (summary.totalCruised === 0) throw new Error(`dependency-cruiser saw no module below ${root}`);
  const remedies = new Map(summary.ruleSetUsed.forbidden.map(({ name, comment }) => [name, comment ?? '']));
  const problems = summary.violations.map(({ from, to, rule, cycle }) => ({
    rule: rule.name,
    from,
    to: cycle ? cycle.map(({ name }) => name).join(' → ') : to,
    remedy: remedies.get(rule.name) ?? '',
  }));
  return { modulesSeen: summary.totalCruised, problems };
}

async function cruise(root: string): Promise<CruiseResult> {
  const child = spawn(
    'depcruise',
    ['--config', '.dependency-cruiser.mjs', '--output-type', 'json', 'src', 'test', 'scripts', 'bench'],
    { cwd: root, env: toolEnvironment(root), stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const errors = text(child.stderr);
  try {
    return (await json(child.stdout)) as CruiseResult;
  } catch (error) {
    throw new Error(`dependency-cruiser gave no result: ${await errors}`, { cause: error });
  }
}
