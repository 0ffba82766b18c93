import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBot } from '../../src/config/bot.ts';
import type { LifecycleEvent } from '../../src/telemetry/events.ts';
import { createOpsRoom, type OpsRoomParts } from '../../src/turns/ops-room.ts';
import { testClock } from '../support/clock.ts';

const settle = () => new Promise((resolve) => setImmediate(resolve));
const reading = { percent: 83, usedMb: 1444, limitMb: 1740, source: 'host' };
const level = (level: string): LifecycleEvent => ({ type: 'memory.level', level, ...reading });

function setRoom(post: OpsRoomParts['client']['post'] = async () => ({ kind: 'posted', id: 1 })) {
  const clock = testClock();
  const posts: Array<[key: string, roomId: number, body: string]> = [];
  const events: LifecycleEvent[] = [];
  const bot = createBot({
    ...{ id: 'helper', key: '9-Ab1Cd2Ef3Gh4', name: 'Helper', systemPrompt: '', file: 'helper.json' },
  });
  const tell = createOpsRoom({
    room: { roomId: 12, botId: 'helper' },
    client: {
      post: (key, roomId, body) => {
        posts.push([key, roomId, body]);
        return post(key, roomId, body);
      },
    },
    findBot: (id) => (id === 'helper' ? bot : 'gone'),
    ...{ clock, emit: (event) => void events.push(event) },
  });
  return { clock, posts, events, tell };
}

test('high memory is told in the operators’ room, at most once an hour for each level', async () => {
  const { clock, posts, tell } = setRoom();
  for (const event of [level('high'), level('normal'), level('high'), level('critical')]) tell(event);
  await settle();
  assert.deepEqual(
    posts.map(([key, roomId]) => [key, roomId]),
    [
      ['9-Ab1Cd2Ef3Gh4', 12],
      ['9-Ab1Cd2Ef3Gh4', 12],
    ],
  );
  assert.match(posts[0]?.[2] ?? '', /Memory is at 83 % \(1444 of 1740 MB\)/);
  clock.advance(3_599_999);
  tell(level('high'));
  clock.advance(1);
  tell(level('high'));
  await settle();
  assert.equal(posts.length, 3);
});

test('a Campfire that is away only shows in the log', async () => {
  const { events, tell } = setRoom(async () => {
    throw new Error('connection refused');
  });
  tell(level('high'));
  await settle();
  assert.deepEqual(
    events.map(({ type }) => type),
    ['part.failed'],
  );
});
