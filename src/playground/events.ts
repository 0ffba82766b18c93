import type { Boost, Bot, DeliveryRecord, Face, FaultSettings, Message, Push, Room } from './records.ts';

/** Everything that happens in the simulator, told once and in order. */
export type PlaygroundEvent =
  | { type: 'message.created'; message: Message }
  | { type: 'message.edited'; message: Message }
  | { type: 'message.deleted'; messageId: number; roomId: number }
  | { type: 'boost.created'; boost: Boost; roomId: number }
  | { type: 'boost.deleted'; boostId: number; messageId: number; roomId: number }
  | { type: 'unread.changed'; personId: number; roomId: number; unread: boolean }
  | { type: 'push.sent'; push: Push }
  | { type: 'room.created'; room: Room }
  | { type: 'bot.changed'; bot: Bot }
  | { type: 'webhook.due'; botId: number; roomId: number; messageId: number }
  | { type: 'delivery.started'; delivery: DeliveryRecord }
  | { type: 'delivery.answered'; delivery: DeliveryRecord }
  | { type: 'api.answered'; call: ApiCall }
  | { type: 'face.changed'; face: Face }
  | { type: 'faults.changed'; faults: FaultSettings };

/** One request to the bot API, as the page shows it: without the key. */
export interface ApiCall {
  method: string;
  /** The path with the bot key replaced by the bot's id or `?`. */
  path: string;
  /** Null when the connection was dropped without an answer. */
  status: number | null;
  ms: number;
}

export type Listener = (event: PlaygroundEvent) => void;

/**
 * Tells every listener, synchronously and in the order of subscription. Listeners must not throw. What a listener
 * emits is told after the event it listens to, so that everybody hears the same order.
 */
export class EventStream {
  readonly #listeners = new Set<Listener>();
  readonly #untold: PlaygroundEvent[] = [];
  #telling = false;

  emit(event: PlaygroundEvent): void {
    this.#untold.push(event);
    if (this.#telling) return;
    this.#telling = true;
    for (let next = this.#untold.shift(); next; next = this.#untold.shift()) {
      for (const listener of this.#listeners) listener(next);
    }
    this.#telling = false;
  }

  /** Returns how to stop listening. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }
}
