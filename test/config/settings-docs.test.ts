import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { settingRows } from '../../src/config/settings.ts';
import { envExample, settingsMarkdown } from '../../src/config/settings-docs.ts';

// To write both files anew: node --test --test-update-snapshots test/config/settings-docs.test.ts
const asIs = { serializers: [(text: string) => text] };
const file = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

test('docs/configuration.md says what the settings table says', (t) => {
  t.assert.fileSnapshot(settingsMarkdown(), file('docs/configuration.md'), asIs);
});

test('.env.example says what the settings table says', (t) => {
  t.assert.fileSnapshot(envExample(), file('.env.example'), asIs);
});

test('both name every setting', () => {
  for (const [, row] of settingRows()) {
    assert(settingsMarkdown().includes(`| \`${row.env}\` |`), row.env);
    assert.match(envExample(), new RegExp(`^(?:# )?${row.env}=`, 'm'));
  }
});
