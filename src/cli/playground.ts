import { systemClock as clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Face } from '../playground/records.ts';
import { type Simulator, startSimulator } from '../playground/simulator.ts';
import { demoPeople, demoRooms } from './demo-cast.ts';

const bot = { id: 900, key: '900-playground00' };

export interface AloneOptions {
  /** Where the bot takes webhooks. */
  webhook: URL;
  /** What people mention it by. */
  name: string;
  port: number;
  face: Face;
}

/** Only the Campfire look-alike, with one bot whose webhook is wherever the caller says. Runs until it is ended. */
export async function runPlaygroundAlone({ webhook, name, port, face }: AloneOptions): Promise<void> {
  const simulator = await startSimulator({
    ...{ clock, face, port, people: demoPeople, rooms: demoRooms([bot.id]) },
    bots: [{ ...bot, name, webhookUrl: webhook.href }],
    // A bot may remember message ids, this Campfire does not: each one counts on from the time.
    firstMessageId: Math.floor(clock.now() / 1000),
    suggestedPrompts: greetings,
  }).catch((error: unknown) => refuse(port, error));
  process.stdout.write(introductionOf(simulator, name, webhook));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void simulator.close().then(() => process.exit(0)));
  }
}

/** What fits any bot. */
const greetings = [
  {
    title: 'Say hello',
    text: 'Hello! What can you do?',
    shows: 'A first answer.',
    group: 'First',
    featured: 1,
  },
  {
    title: 'Ask in Chinese',
    text: '你好，你能做什么？',
    shows: 'Another script.',
    group: 'First',
    featured: 2,
  },
  {
    ...{ title: 'Awkward text', text: 'What is List<String> & "co"?\n\nTwo lines, 100% sure.', featured: 3 },
    ...{ shows: 'Characters that clients forget to escape.', group: 'First' },
  },
];

function introductionOf({ url }: Simulator, name: string, webhook: URL): string {
  return `
  Open ${url}/playground

  @${name} is called at   ${webhook.origin}${webhook.pathname}
  it posts to         ${url}/rooms/<room>/${bot.key}/messages   (the path is in each webhook)
  faults and state    ${url}/playground/api   (docs/playground.md)

`;
}

function refuse(port: number, error: unknown): never {
  const remedy = /EADDRINUSE/.test(messageOf(error)) ? 'Choose another one with --port.' : 'Check --port.';
  process.stderr.write(`Cannot listen on port ${port}: ${messageOf(error)}.\n${remedy}\n`);
  return process.exit(1);
}
