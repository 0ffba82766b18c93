import { spawnSync } from 'node:child_process';
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
    violations: {
      from: string;
      to: string;
      rule: { name: string };
      cycle?: { name: string }[];
      comment?: string;
    }[];
    ruleSetUsed: { forbidden: { name: string; comment?: string }[] };
  };
}

const OUTPUT_BYTES_MAX = 256 * 1024 * 1024;

/** Runs dependency-cruiser over src/, test/ and scripts/ below `root`, with the configuration that stands there. */
export function checkImports(root: string): { modulesSeen: number; problems: ImportProblem[] } {
  const run = spawnSync(
    'depcruise',
    ['--config', '.dependency-cruiser.mjs', '--output-type', 'json', 'src', 'test', 'scripts'],
    { cwd: root, env: toolEnvironment(root), encoding: 'utf8', maxBuffer: OUTPUT_BYTES_MAX },
  );
  const { summary } = parse(run.stdout, run.stderr);
  const remedies = new Map(summary.ruleSetUsed.forbidden.map(({ name, comment }) => [name, comment ?? '']));
  const problems = summary.violations.map(({ from, to, rule, cycle }) => ({
    rule: rule.name,
    from,
    to: cycle ? cycle.map(({ name }) => name).join(' → ') : to,
    remedy: remedies.get(rule.name) ?? '',
  }));
  // With a compiler that it cannot use, dependency-cruiser sees no module at all and is content.
  return { modulesSeen: summary.totalCruised, problems };
}

function parse(output: string, errors: string): CruiseResult {
  try {
    return JSON.parse(output) as CruiseResult;
  } catch {
    throw new Error(`dependency-cruiser gave no result: ${errors || output || 'no output'}`);
  }
}
