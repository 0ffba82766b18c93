import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Message } from '../../src/playground/records.ts';
import { eventually } from '../support/eventually.ts';
import { redisServer } from '../support/redis.ts';
import type { Service } from '../support/service.ts';
import { type Stage, setStage } from '../support/stage.ts';

/**
 * The service is killed at the points of a message's way in turn (test/fixtures/crash/service.ts) and started again.
 * Each life finishes what the one before it left; then the room must show one outcome of what was accepted.
 */

const command = [
  process.execPath,
  '--no-warnings',
  join(import.meta.dirname, '../fixtures/crash/service.ts'),
];
/** A life costs seconds. Every third point of each part is tried, or all of them. */
const stride = process.env.EVERY_POINT === '1' ? 1 : 3;
const fileIn = (stage: Stage, name: string) => join(stage.home.dataDir, name);

/** A killed life: where, and on the way of which message. */
interface Crash {
  point: string;
  message: Message;
  /** Whether Campfire was told that the message was taken. */
  accepted: boolean;
  /** The life after it. */
  next: Service;
}

interface Plan {
  /** Says something in a room that nobody has used, or a service has been prepared for. */
  say: (room: number, service: Service, isArmed: () => void) => Promise<Message>;
  /** Which of the points that a whole way passes are to be tried. */
  choose: (points: readonly string[]) => { first: number; end: number };
  check: (crash: Crash) => void;
  /** Others are left out. */
  only?: RegExp | undefined;
  env?: Record<string, string>;
}

async function everyPoint(
  t: TestContext,
  stage: Stage,
  { say, choose, check, only = /./, env = {} }: Plan,
): Promise<string[]> {
  const crashes: string[] = [];
  let service = await stage.start(env, command);
  let room = 1;
  // Nobody is killed the first time: it tells which points there are.
  const whole = await lifeUntil(stage, service, 1_000_000, (arm) => say(room, service, arm));
  assert.ok(whole.survived);
  const { first, end } = choose(whole.passed);
  assert.ok(first >= 0 && end > first, whole.passed.join('\n'));
  const chosen = whole.passed
    .flatMap((point, at) =>
      at >= first && at < end && only.test(point) && isNew(whole.passed, at) ? [at] : [],
    )
    .filter((_, n) => n % stride === 0);
  for (const at of chosen) {
    room++;
    const life = await lifeUntil(stage, service, at + 1, (arm) => say(room, service, arm));
    if (life.survived) continue;
    const point = life.passed.at(-1) ?? '';
    crashes.push(point);
    service = await stage.start(env, command);
    const recovering = service;
    await eventually(`an end of all work after ${point}`, () => hasNothingLeft(recovering), 40_000);
    const { message } = life;
    const told = stage.campfire.webhooks.records().find(({ messageId }) => messageId === message.id);
    check({ point, message, accepted: told?.status === 204, next: recovering });
  }
  await service.stop('SIGKILL');
  t.diagnostic(`killed at: ${crashes.join(' · ')}`);
  // A way may be a little shorter than the first one; a harness that kills nobody proves nothing.
  assert.ok(crashes.length >= chosen.length - 1, `${crashes.length} of ${chosen.length} points`);
  return crashes;
}

/** Whether a kill here leaves anything else behind than one at the point before: between two commits nothing happens. */
function isNew(points: readonly string[], at: number): boolean {
  const isCommit = (point = '') => /^(?:before|after) (?:INSERT|UPDATE|DELETE|mail|ownership)/.test(point);
  const [before, point] = [points[at - 1], points[at]];
  return !(point?.startsWith('before') && isCommit(point) && before?.startsWith('after') && isCommit(before));
}

/** Arms a life and lets it work until it is killed or has nothing left to do. */
async function lifeUntil(
  stage: Stage,
  service: Service,
  at: number,
  say: (arm: () => void) => Promise<Message>,
) {
  const settled = () => service.events('delivery.sent').length;
  const before = settled();
  rmSync(fileIn(stage, 'crash-passed'), { force: true });
  const message = await say(() => writeFileSync(fileIn(stage, 'crash-at'), `${at}`));
  // What was sent last may belong to the message before.
  const isTaken = () =>
    stage.campfire.webhooks
      .records()
      .some(({ messageId, status }) => messageId === message.id && status !== null);
  const isOver = async () =>
    isTaken() && settled() > before && (await hasNothingLeft(service).catch(() => false));
  const isKilled = () => service.child.signalCode !== null;
  await eventually('a crash or an end', async () => isKilled() || (await isOver()), 40_000);
  rmSync(fileIn(stage, 'crash-at'));
  const passed = readFileSync(fileIn(stage, 'crash-passed'), 'utf8').trim().split('\n');
  return { survived: !isKilled(), passed, message };
}

/** Whether nothing waits, runs or is to be sent. */
async function hasNothingLeft(service: Service): Promise<boolean> {
  const { messages_without_outcome: open } = await service.health();
  return open === 0 && (await service.metric('outbox_undelivered')) === 0;
}

/** Posts about a message, by the mark that each carries. */
function about(stage: Stage, { id, roomId }: Message) {
  const marks = stage.answersIn(roomId).map(({ html }) => /class="(m\d+-[\w-]+)/.exec(html ?? '')?.[1] ?? '');
  const own = marks.filter((mark) => mark.startsWith(`m${id}-`));
  return { answers: own.filter((mark) => mark === `m${id}-0`).length, lines: own.length, own };
}

const fromTo = (first: string, end?: string): Plan['choose'] => {
  return (points) => ({
    first: first === '' ? 0 : points.indexOf(first),
    end: end === undefined ? points.length : points.indexOf(end),
  });
};

/** Each is killed on one face: transcripts know no Campfire, and before the decision nothing is said to it. */
const inTranscripts = /transcript/;
const inMail = /mail|ownership/;

for (const [part, face, store, choose, only] of [
  ['before a turn runs', 'v1.4.9', 'SQLite', fromTo('', 'session.opened')],
  ['while a turn runs and is decided', 'v1.4.9', 'SQLite', fromTo('session.opened', 'before UPDATE outbox')],
  ['while Campfire is told', 'v1.4.9', 'SQLite', fromTo('before UPDATE outbox')],
  ['while Campfire is told', 'full', 'SQLite', fromTo('before UPDATE outbox')],
  ['before its turn is decided', 'full', 'Redis', fromTo('', 'before mailDecide'), inTranscripts],
  ['before its turn is decided', 'v1.4.9', 'Redis', fromTo('', 'before mailDecide'), inMail],
  ['from then on', 'v1.4.9', 'Redis', fromTo('before mailDecide')],
] satisfies Array<[string, 'full' | 'v1.4.9', 'SQLite' | 'Redis', Plan['choose'], RegExp?]>) {
  test(`${face}, ${store}: killed ${part}, an accepted message gets one outcome`, async (t) => {
    const stage = await setStage(t, { rooms: 40, face });
    const env = store === 'Redis' ? { REDIS_URL: (await redisServer(t)).url } : {};
    await everyPoint(t, stage, {
      ...{ choose, env, only },
      async say(room, _service, arm) {
        arm();
        const message = stage.say(room, 'hello');
        await stage.campfire.webhooks.settled();
        return message;
      },
      check({ point, message, accepted, next }) {
        const { answers, own } = about(stage, message);
        const doubts = own.filter((mark) => mark === `m${message.id}-0-notice`).length;
        const seen = `${point}: ${accepted ? 'accepted' : 'not accepted'}, ${own.join(' ')}`;
        assert.equal(answers + doubts, own.length, seen);
        assert.ok(answers <= 1 && doubts <= 1, seen);
        if (accepted) assert.ok(own.length >= 1, seen);
        if (face === 'full') assert.equal(doubts, 0, seen);
        // From here on the answer is in the transcript.
        if (['after UPDATE conversations', 'before UPDATE turns', 'before mailDecide'].includes(point))
          assert.equal(next.events('turn.recovered').length, 1, seen);
        // Only a request that was under way can be in doubt.
        if (!/request|response|outbox|mailTake|mailSettleRow/.test(point)) assert.equal(doubts, 0, seen);
      },
    });
  });
}
