import { test } from 'node:test';
import { startBrowser } from '../support/browser.ts';
import { startDemo } from '../support/demo.ts';
import { checkPictures, playScenes, takePictures } from '../support/pictures.ts';
import { keepScreenshots } from '../support/screenshots.ts';

const options = process.env.UPDATE_SCREENSHOTS === '1' ? { timeout: 600_000 } : {};

test('the pictures in docs/screenshots are all there, and of the page as it is', options, async (t) => {
  await keepScreenshots('page', ['src/playground/chat'], async () => {
    const { service, url } = await startDemo(t, { SESSION_TTL_SECONDS: '20' });
    const browser = await startBrowser(t);
    await playScenes(browser, url);
    await takePictures(browser, url);
    await service.stop();
  });
  checkPictures();
});
