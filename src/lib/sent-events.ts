/** Beyond this many unread events a reader is cut off; its EventSource connects again and asks for the state. */
const unreadEventsMax = 10_000;

/**
 * Server-sent events: what `subscribe` sends, already in their form. Ends when the reader goes, falls too far behind,
 * `signal` aborts, or `subscribe` says so.
 */
export function sentEvents(
  subscribe: (send: (event: string) => void, end: () => void) => () => void,
  signal: AbortSignal,
  unreadMax = unreadEventsMax,
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
        }, end);
        stop = () => {
          unsubscribe();
          signal.removeEventListener('abort', end);
        };
        signal.addEventListener('abort', end, { once: true });
        if (ended) stop();
        else if (signal.aborted) end();
      },
      cancel: () => stop(),
    },
    new CountQueuingStrategy({ highWaterMark: unreadMax }),
  );
}
