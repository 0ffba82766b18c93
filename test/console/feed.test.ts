import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Feed } from '../../src/console/feed.ts';
import type { ConsoleSource } from '../../src/console/source.ts';
import type { Change } from '../../src/console/views/frame.ts';
import type { SessionSnapshot } from '../../src/sessions/parts.ts';
import { testClock } from '../support/clock.ts';
import {
  type ConsoleStage,
  emptyWorld,
  stageApp,
  stageSource,
  stageToken,
} from '../support/console-stage.ts';
import { eventually } from '../support/eventually.ts';

type Message = Change & { version: string; whole?: true; samples?: number[][] };

/** A feed on a clock of its own, with how often it looked and how many listen to its source. */
function openFeed() {
  const stage = stageSource(emptyWorld());
  const clock = testClock();
  const counts = { looks: 0, listeners: 0 };
  const errors: unknown[] = [];
  const source: ConsoleSource = {
    ...stage.source,
    snapshot() {
      counts.looks++;
      return stage.source.snapshot();
    },
    subscribe(changed) {
      counts.listeners++;
      const stop = stage.source.subscribe(changed);
      return () => {
        counts.listeners--;
        stop();
      };
    },
  };
  const feed = new Feed(source, clock, (error) => errors.push(error));
  const read = (version: string) => {
    const messages: Message[] = [];
    const stop = feed.subscribe(version, (text) =>
      messages.push(JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? '') as Message),
    );
    return { messages, stop };
  };
  return { ...stage, feed, clock, counts, read, errors };
}

const session: SessionSnapshot = {
  ...{ id: '7:helper', state: 'idle', pid: 5, turns: 1, idleSeconds: 3, memoryBytes: 1 },
};
const news = { type: 'spare.parked', bot: 'helper', openMs: 5 } as const;

test('a page that has the present version hears only what is new; any other gets the whole first', async () => {
  const { feed, read, clock, world, source } = openFeed();
  const { version } = await feed.now();
  const [page, stranger] = [read(version), read('another life.7')];
  await eventually('the whole', () => stranger.messages.length === 1);
  assert.equal(stranger.messages[0]?.whole, true);
  assert.ok(stranger.messages[0]?.parts?.verdict);
  assert.equal(page.messages.length, 0);
  world.sessions = [session];
  source.hear(news);
  clock.advance(1_000);
  await eventually('the news', () => page.messages.length === 1 && stranger.messages.length === 2);
  assert.deepEqual(page.messages[0]?.tables?.sessions?.order, ['7:helper']);
  assert.equal(page.messages[0]?.whole, undefined);
  assert.deepEqual(page.messages[0], stranger.messages[1]);
  page.stop();
  stranger.stop();
});

test('a storm of facts is one drawing a second, and nobody looking is none', async () => {
  const { feed, read, clock, counts, source } = openFeed();
  await feed.now();
  const page = read((await feed.now()).version);
  const before = counts.looks;
  for (let count = 0; count < 500; count++) source.hear(news);
  clock.advance(1_000);
  await eventually('the drawing', () => page.messages.length > 0);
  assert.equal(counts.looks, before + 1);
  page.stop();
  for (let count = 0; count < 500; count++) source.hear(news);
  clock.advance(60_000);
  assert.equal(counts.looks, before + 1);
  assert.equal(counts.listeners, 0);
});

test('a thousand pages that come and go leave nothing behind', async () => {
  const { feed, read, counts, clock, errors } = openFeed();
  const { version } = await feed.now();
  for (let count = 0; count < 1_000; count++) read(count % 2 === 0 ? version : 'old').stop();
  assert.equal(counts.listeners, 0);
  clock.advance(60_000);
  assert.deepEqual(errors, []);
  const again = read(version);
  await eventually('the whole, because nothing was kept', () => again.messages[0]?.whole === true);
  again.stop();
});

test('a source that fails for a moment is reported, and the page goes on with the next look', async () => {
  const { feed, read, clock, world, source, errors } = openFeed();
  const page = read((await feed.now()).version);
  const { bots } = world;
  world.bots = {
    ...bots,
    all: () => {
      throw new Error('not now');
    },
  };
  source.hear(news);
  clock.advance(1_000);
  await eventually('the report', () => errors.length === 1);
  world.bots = bots;
  source.hear(news);
  clock.advance(1_000);
  await eventually('the next look', () => page.messages.length === 1);
  page.stop();
});

/** The stream as an HTTP client has it. */
async function openStream(stage: ConsoleStage, closing: AbortSignal) {
  const app = stageApp(stage, closing);
  const answer = await app.request('/console/live', { headers: { authorization: `Bearer ${stageToken}` } });
  assert.equal(answer.headers.get('content-type'), 'text/event-stream');
  const reader = answer.body?.getReader();
  assert.ok(reader);
  const decoder = new TextDecoder();
  return { reader, next: async () => decoder.decode((await reader.read()).value) };
}

test('a drain ends the streams, and so does a reader that goes', async () => {
  const stage = stageSource(emptyWorld());
  let listeners = 0;
  const { subscribe } = stage.source;
  stage.source.subscribe = (changed) => {
    listeners++;
    const stop = subscribe(changed);
    return () => {
      listeners--;
      stop();
    };
  };
  const closing = new AbortController();
  const [stays, goes] = [await openStream(stage, closing.signal), await openStream(stage, closing.signal)];
  assert.match(await stays.next(), /listening/);
  assert.match(await stays.next(), /"whole":true/);
  assert.equal(listeners, 2, 'each application of a stage has a feed of its own');
  await goes.reader.cancel();
  assert.equal(listeners, 1);
  const head = await stageApp(stage, closing.signal).request('/console/live', {
    ...{ method: 'HEAD', headers: { authorization: `Bearer ${stageToken}` } },
  });
  assert.equal(head.status, 204);
  assert.equal(listeners, 1, 'a stream that nobody reads is not begun');
  closing.abort();
  await eventually('the end', async () => (await stays.reader.read()).done);
  assert.equal(listeners, 0);
});
