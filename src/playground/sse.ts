import type { Campfire } from './campfire.ts';
import type { EventStream } from './events.ts';
import { viewEvent } from './page-views.ts';

/** Beyond this many unread events a reader is cut off; its EventSource connects again and asks for the state. */
const unreadEventsMax = 10_000;

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

/**
 * Server-sent events: what `subscribe` sends, already in their form. Ends when the reader goes, falls too far behind,
 * or `signal` aborts.
 */
export function sentEvents(
  subscribe: (send: (event: string) => void) => () => void,
  signal: AbortSignal,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let stop = () => {};
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        let ended = false;
        const end = () => {
          if (ended) return;
          ended = true;
          stop();
          controller.close();
        };
        // Sent at once, so that the reader knows that nothing after this is missed.
        controller.enqueue(encoder.encode('retry: 1000\n: listening\n\n'));
        const unsubscribe = subscribe((event) => {
          if (ended) return;
          if ((controller.desiredSize ?? 0) <= 0) return end();
          controller.enqueue(encoder.encode(event));
        });
        stop = () => {
          unsubscribe();
          signal.removeEventListener('abort', end);
        };
        signal.addEventListener('abort', end, { once: true });
      },
      cancel: () => stop(),
    },
    new CountQueuingStrategy({ highWaterMark: unreadEventsMax }),
  );
}
