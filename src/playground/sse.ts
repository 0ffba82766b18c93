import { sentEvents } from '../lib/sent-events.ts';
import type { Campfire } from './campfire.ts';
import type { EventStream } from './events.ts';
import { viewEvent } from './page-views.ts';

/** Every event of the simulator from now on, named by its type, the data being an `EventView`. */
export function serverSentEvents(
  campfire: Campfire,
  events: EventStream,
  signal: AbortSignal,
): ReadableStream<Uint8Array> {
  return sentEvents(
    (send) =>
      events.subscribe((event) =>
        send(`event: ${event.type}\ndata: ${JSON.stringify(viewEvent(campfire, event))}\n\n`),
      ),
    signal,
  );
}
