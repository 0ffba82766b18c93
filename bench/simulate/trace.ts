import { createDraw, createRandom, type Random } from './random.ts';

/**
 * What a company writes to its bots in a day, made up but repeatable. People work in three offices; rooms are visited
 * as unevenly as rooms are; a question brings further ones, most often by the same person, minutes apart; stand-ups fill
 * many rooms at nine. Nothing here was recorded from people: the numbers are assumptions, all of them in `usualLife`.
 */

export interface TraceOptions {
  seed: number;
  users: number;
  rooms: number;
  hours: number;
}

/** A message to a bot, and what answering it will take. */
export interface TraceMessage {
  id: number;
  /** Ms since the beginning of the day, UTC. */
  atMs: number;
  roomId: number;
  authorId: number;
  botId: BotName;
  /** From the prompt in a live session to its result. */
  turnMs: number;
  /** Requests to the model. */
  requests: number;
  /** What programs that the turn starts hold while it runs. */
  toolBytes: number;
}

export type BotName = 'plain' | 'shell' | 'servers';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const megabyte = 1024 * 1024;

export const usualLife = {
  /** UTC offset in hours and share of people. */
  offices: [
    { utcOffset: 1, share: 0.45 },
    { utcOffset: -5, share: 0.35 },
    { utcOffset: 8, share: 0.2 },
  ],
  /** How much is written in each hour of the local day, from midnight on. */
  hourWeights: [1, 1, 1, 1, 1, 2, 4, 12, 40, 90, 100, 90, 55, 75, 95, 90, 80, 50, 20, 12, 10, 8, 4, 2],
  messagesPerUserDay: 4,
  /** Spread of people's appetite for bots, log-normal. */
  appetiteSigma: 1,
  /**
   * Rooms by visits: 1 / (rank + this share of all rooms). Of 2,000 rooms the largest gets 1.5 % of all that is written,
   * some 40 messages in its busiest hour: about as much as turns that follow one another can answer.
   */
  roomOffsetShare: 0.006,
  /** Messages of one exchange: Pareto, at least 1, at most 60; the mean is 2.6. */
  exchange: { shape: 1.5, max: 60, mean: 2.6 },
  sameAuthorShare: 0.8,
  /** Between two messages of an exchange. */
  gap: { medianMs: 75_000, sigma: 0.9, minMs: 1_500 },
  standUp: { hour: 9, roomShare: 0.25, people: 4, spreadMs: 5 * minuteMs },
  /** Which bot a room has. */
  bots: [
    { id: 'plain', share: 0.7, toolShare: 0.1 },
    { id: 'shell', share: 0.2, toolShare: 0.6 },
    { id: 'servers', share: 0.1, toolShare: 0.6 },
  ] as const,
  /** Turns that only write, and turns that use tools: minutes are rare but there. */
  writing: { medianMs: 6_000, sigma: 0.6, requests: 1 },
  tools: { medianMs: 25_000, sigma: 1, requests: 4 },
  turnMaxMs: 600_000,
  /** Of what a shell's programs hold. */
  programs: { medianBytes: 40 * megabyte, sigma: 0.8, maxBytes: 400 * megabyte },
};

/** All messages of the first `hours` of a day, in order of time. */
export function createTrace(options: TraceOptions): TraceMessage[] {
  const random = createRandom(options.seed);
  const rooms = createRooms(options.rooms, random);
  const people = createPeople(options.users, random);
  const messages: TraceMessage[] = [];
  const endMs = options.hours * hourMs;
  const say = (atMs: number, roomId: number, authorId: number) => {
    const bot = rooms.bot(roomId);
    const wanted = work(bot, random);
    if (atMs < endMs)
      messages.push({ id: 0, atMs: Math.round(atMs), roomId, authorId, botId: bot.id, ...wanted });
  };
  const exchanges = Math.round((options.users * usualLife.messagesPerUserDay) / usualLife.exchange.mean);
  for (let each = 0; each < exchanges; each++) {
    const { userId, office } = people.draw();
    exchange(rooms.draw(office), userId, people.startIn(office), { say, people, random });
  }
  for (const [office, { utcOffset }] of usualLife.offices.entries()) {
    standUps(rooms.ofOffice(office), (usualLife.standUp.hour - utcOffset + 24) % 24, { say, people, random });
  }
  messages.sort((a, b) => a.atMs - b.atMs);
  return messages.map((message, index) => ({ ...message, id: index + 1 }));
}

/** The hours from `from` on, for this long, in which most is written. In ms. */
export function busiest(trace: readonly TraceMessage[], lengthMs: number): { fromMs: number; toMs: number } {
  const stepMs = 15 * minuteMs;
  const lastMs = trace.at(-1)?.atMs ?? 0;
  let best = { fromMs: 0, count: -1 };
  for (let fromMs = 0; fromMs === 0 || fromMs + lengthMs <= lastMs + stepMs; fromMs += stepMs) {
    const count = trace.filter(({ atMs }) => atMs >= fromMs && atMs < fromMs + lengthMs).length;
    if (count > best.count) best = { fromMs, count };
  }
  return { fromMs: best.fromMs, toMs: best.fromMs + lengthMs };
}

interface Setting {
  say: (atMs: number, roomId: number, authorId: number) => void;
  people: ReturnType<typeof createPeople>;
  random: Random;
}

function exchange(roomId: number, userId: number, startMs: number, { say, people, random }: Setting): void {
  const { shape, max } = usualLife.exchange;
  const { medianMs, sigma, minMs } = usualLife.gap;
  const length = Math.min(max, Math.floor((1 - random.next()) ** (-1 / shape)));
  let atMs = startMs;
  for (let each = 0; each < length; each++) {
    const isSame = each === 0 || random.chance(usualLife.sameAuthorShare);
    say(atMs, roomId, isSame ? userId : people.draw().userId);
    atMs += Math.max(minMs, random.logNormal(medianMs, sigma));
  }
}

function standUps(rooms: readonly number[], hourUtc: number, { say, people, random }: Setting): void {
  const { roomShare, people: count, spreadMs } = usualLife.standUp;
  for (const roomId of rooms) {
    if (!random.chance(roomShare)) continue;
    for (let each = 0; each < count; each++)
      say(hourUtc * hourMs + random.next() * spreadMs, roomId, people.draw().userId);
  }
}

function work(
  { toolShare, id }: (typeof usualLife.bots)[number],
  random: Random,
): Pick<TraceMessage, 'turnMs' | 'toolBytes' | 'requests'> {
  const { writing, tools, programs, turnMaxMs } = usualLife;
  const usesTools = random.chance(toolShare);
  const { medianMs, sigma, requests } = usesTools ? tools : writing;
  const bytes = Math.min(programs.maxBytes, random.logNormal(programs.medianBytes, programs.sigma));
  return {
    requests,
    turnMs: Math.round(Math.min(turnMaxMs, random.logNormal(medianMs, sigma))),
    toolBytes: usesTools && id === 'shell' ? Math.round(bytes) : 0,
  };
}

function createRooms(count: number, random: Random) {
  const { offices, roomOffsetShare, bots } = usualLife;
  const drawOffice = createDraw(
    offices.map(({ share }) => share),
    random,
  );
  const drawBot = createDraw(
    bots.map(({ share }) => share),
    random,
  );
  const all = Array.from({ length: count }, (_, index) => ({
    ...{ roomId: index + 1, weight: 1 / (index + 1 + roomOffsetShare * count) },
    ...{ office: drawOffice(), bot: bots[drawBot()] ?? bots[0] },
  }));
  const byOffice = offices.map((_, office) => {
    const own = all.filter((room) => room.office === office);
    // With few rooms an office may have none of its own.
    const list = own.length > 0 ? own : all;
    const draw = createDraw(
      list.map(({ weight }) => weight),
      random,
    );
    return { ids: own.map(({ roomId }) => roomId), draw: () => list[draw()]?.roomId ?? 1 };
  });
  return {
    bot: (roomId: number) => all[roomId - 1]?.bot ?? bots[0],
    draw: (office: number) => byOffice[office]?.draw() ?? 1,
    ofOffice: (office: number) => byOffice[office]?.ids ?? [],
  };
}

function createPeople(count: number, random: Random) {
  const { offices, appetiteSigma, hourWeights } = usualLife;
  const drawOffice = createDraw(
    offices.map(({ share }) => share),
    random,
  );
  const homes = Array.from({ length: count }, () => drawOffice());
  const drawUser = createDraw(
    homes.map(() => random.logNormal(1, appetiteSigma)),
    random,
  );
  const drawHour = createDraw(hourWeights, random);
  return {
    draw() {
      const index = drawUser();
      return { userId: index + 1, office: homes[index] ?? 0 };
    },
    /** When somebody of this office begins to write, in ms of the day in UTC. */
    startIn(office: number) {
      const utcHour = (drawHour() - (offices[office]?.utcOffset ?? 0) + 24) % 24;
      return (utcHour + random.next()) * hourMs;
    },
  };
}

/** Nine conversations in ten are older than the simulation. */
export function knownOf(
  trace: readonly TraceMessage[],
  random: Random,
): Array<{ botId: string; roomId: number }> {
  const bots = new Map(trace.map(({ roomId, botId }) => [roomId, botId]));
  return [...bots].filter(() => random.chance(0.9)).map(([roomId, botId]) => ({ roomId, botId }));
}
