import { join } from 'node:path';
import { checkImports } from './imports.ts';

/** The import check as a command: the directions and monopolies of the house, or what breaks them. */
const { modulesSeen, problems } = await checkImports(join(import.meta.dirname, '../..'));
for (const { rule, from, to, remedy } of problems) console.log(`${rule}: ${from} → ${to}\n    ${remedy}`);
console.log(`${modulesSeen} modules, ${problems.length} imports against the house`);
process.exitCode = problems.length === 0 ? 0 : 1;
