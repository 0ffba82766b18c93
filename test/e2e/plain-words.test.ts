import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { LLMock } from '@copilotkit/aimock';
import { setStage } from '../support/stage.ts';
import { tempFolder } from '../support/temp.ts';

for (const layer of ['namespace', 'group']) {
  test(`in the ${layer} layer a path or a command that a person writes reaches the model as written`, async (t) => {
    const asked: string[] = [];
    const model = new LLMock({ port: 0, host: '127.0.0.1', logLevel: 'silent' });
    model.addFixture({
      match: { predicate: () => true },
      response: (request) => {
        asked.push(JSON.stringify(request));
        return { content: 'ok' };
      },
    });
    const url = await model.start();
    t.after(() => model.stop());
    const stage = await setStage(t);
    const service = await stage.start({ ANTHROPIC_BASE_URL: url, CONTAINMENT: layer });
    const file = join(tempFolder(t), 'notes.txt');
    writeFileSync(file, 'the-harbour-code-is-heron');
    stage.say(1, `what is in @${file} ?`);
    await stage.answers(1, 1);
    stage.say(1, '/cost', 1);
    await stage.answers(1, 2);
    assert.ok(asked[0]?.includes(`@${file}`));
    assert.ok(asked.at(-1)?.includes('/cost'), 'the command was for the model');
    assert.ok(!asked.join().includes('heron'), 'nobody read the file');
    await service.stop();
  });
}
