import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { replaceMarked } from '../bench/marked.ts';
import { sizingTable } from '../bench/sizing.ts';
import { envExample, settingsMarkdown } from '../src/config/settings-docs.ts';

/** Writes what follows from the code: docs/configuration.md, .env.example, the sizes in docs/operating.md (`npm run docs`). */
const root = join(import.meta.dirname, '..');
writeFileSync(join(root, 'docs/configuration.md'), settingsMarkdown());
writeFileSync(join(root, '.env.example'), envExample());
const operating = join(root, 'docs/operating.md');
writeFileSync(operating, replaceMarked(readFileSync(operating, 'utf8'), 'sizing', sizingTable()));
