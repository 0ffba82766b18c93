import type { HttpBindings } from '@hono/node-server';
import type { MiddlewareHandler } from 'hono';
import type { Clock } from '../lib/clock.ts';
import type { EventStream } from './events.ts';
import { wasDropped } from './faults.ts';

/** Tells the event stream of every call that passes, with the key taken out of its path. */
export function tellCalls(events: EventStream, clock: Clock): MiddlewareHandler<{ Bindings: HttpBindings }> {
  return async (c, next) => {
    const from = clock.monotonicMs();
    await next();
    const { method, path } = c.req;
    const status = wasDropped(c.res) ? null : c.res.status;
    const ms = clock.monotonicMs() - from;
    events.emit({ type: 'api.answered', call: { method, path: withoutKey(path), status, ms } });
  };
}

/** `/rooms/1/5-abcDEF123456/messages` as `/rooms/1/5-…/messages`. */
function withoutKey(path: string): string {
  return path.replace(/^(\/rooms\/[^/]+\/)(?!messages(?:\/|$)|@)(\d+-)?[^/]*/, '$1$2…');
}
