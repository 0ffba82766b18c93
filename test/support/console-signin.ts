import type { Page } from 'playwright-core';
import { stageToken } from './console-stage.ts';

/** From the sign-in page into the staged console, until it is live. */
export async function signIn(page: Page): Promise<void> {
  await page.getByLabel('Admin token').fill(stageToken);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('#live[data-state="live"]').waitFor();
}
