import { systemClock as clock } from '../lib/clock.ts';
import { faces } from '../playground/records.ts';
import { startSimulator } from '../playground/simulator.ts';
import { demoPeople, demoRooms } from './demo-cast.ts';

const key = '900-playground00';

/** Only the Campfire look-alike, with one bot whose webhook is wherever the caller says. Runs until it is ended. */
export async function runPlaygroundAlone(options: {
  webhook: string;
  port: number;
  face: string;
}): Promise<void> {
  const face = faces.find((known) => known === options.face);
  if (!face || !URL.canParse(options.webhook)) {
    process.stderr.write(`--webhook must be an address, --face one of: ${faces.join(', ')}.\n`);
    process.exit(1);
  }
  const simulator = await startSimulator({
    ...{ clock, face, port: options.port, people: demoPeople, rooms: demoRooms([900]) },
    bots: [{ id: 900, name: 'Assistant', key, webhookUrl: options.webhook }],
  });
  process.stdout.write(
    `Playground at ${simulator.url}/playground\nThe bot’s key is ${key}; it posts to ${simulator.url}\n`,
  );
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void simulator.close().then(() => process.exit(0)));
  }
}
