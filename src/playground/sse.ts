import type { Campfire } from './campfire.ts';
import type { EventStream } from './events.ts';
import { viewEvent } from './page-views.ts';

/** Beyond this many unread events a reader is cut off; its EventSource connects again and asks for the state. */
const unreadEventsMax = 10_000;

/**
 * Server-sent events: every event from now on, named by its type, the data being an `EventView`. Ends when the
 * reader goes, falls too far behind, or `signal` aborts.
 */
export function serverSentEvents(
  campfire: Campfire,
  events: EventStream,
  signal: AbortSignal,
): ReadableStream {
  const encoder = new TextEncoder();
  let stop = () => {};
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const end = () => {
          stop();
          controller.close();
        };
        const unsubscribe = events.subscribe((event) => {
          if ((controller.desiredSize ?? 0) <= 0) return end();
          const data = JSON.stringify(viewEvent(campfire, event));
          controller.enqueue(encoder.encode(`event: ${event.type}\ndata: ${data}\n\n`));
        });
        stop = () => {
          unsubscribe();
          signal.removeEventListener('abort', end);
        };
        signal.addEventListener('abort', end, { once: true });
        // Sent at once, so that the reader knows that nothing after this is missed.
        controller.enqueue(encoder.encode('retry: 1000\n: listening\n\n'));
      },
      cancel: () => stop(),
    },
    new CountQueuingStrategy({ highWaterMark: unreadEventsMax }),
  );
}
