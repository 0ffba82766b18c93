import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { envExample, settingsMarkdown } from '../src/config/settings-docs.ts';

/** Writes what follows from the settings table: docs/configuration.md and .env.example (`npm run docs`). */
const root = join(import.meta.dirname, '..');
writeFileSync(join(root, 'docs/configuration.md'), settingsMarkdown());
writeFileSync(join(root, '.env.example'), envExample());
