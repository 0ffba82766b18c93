import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { RULES } from './rules.ts';
import { lineOf } from './syntax.ts';

export interface Problem {
  path: string;
  line: number;
  rule: string;
  found: string;
  remedy: string;
}

/** Every file of the house against every rule, in the order of the files. */
export function checkHouse(root: string): { filesSeen: number; problems: Problem[] } {
  const paths = globSync(['src/**/*.ts', 'test/**/*.ts', 'bench/**/*.ts'], { cwd: root }).sort();
  const problems = paths.flatMap((path) => checkSource(path, readFileSync(join(root, path), 'utf8')));
  return { filesSeen: paths.length, problems };
}

/** One file's text as if it stood at `path`. */
export function checkSource(path: string, text: string): Problem[] {
  const rules = RULES.filter((rule) => rule.appliesTo(path));
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.TS);
  const problems: Problem[] = [];
  const look = (node: ts.Node): void => {
    for (const rule of rules) {
      const found = rule.findsAt(node, source);
      if (found)
        problems.push({ path, line: lineOf(node, source), rule: rule.name, found, remedy: rule.remedy });
    }
    ts.forEachChild(node, look);
  };
  look(source);
  return problems;
}

/** `src/x.ts:3 clock: setTimeout is a timer … Take a Clock …` */
export function sentenceOf({ path, line, rule, found, remedy }: Problem): string {
  return `${path}:${line} ${rule}: ${found}. ${remedy}`;
}
