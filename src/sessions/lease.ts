import type { Prompt, Slot, TurnHooks } from '../agent/agent.ts';
import type { SessionPath } from '../telemetry/events.ts';
import type { TurnResult } from './session.ts';

/** One turn's exclusive hold on a session. Dispose it when the turn is over, however it ended. */
export interface Lease extends AsyncDisposable {
  readonly path: SessionPath;
  /** The folders that the session lives in. */
  readonly slot: Slot;
  run(prompt: Prompt, hooks: TurnHooks): Promise<TurnResult>;
  /** Runs a prompt without the history that made it fail, as `Session.startOver` says; null when there is none. */
  startOver(prompt: Prompt, hooks: TurnHooks): Promise<TurnResult | null>;
  /** Ends the running prompt, with force if asking does not help. Resolves when it has ended. */
  stop(): Promise<void>;
}

/** Thrown to those who wait for a lease when the pool drains. */
export class PoolDrainingError extends Error {
  override readonly name = 'PoolDrainingError';
}

/** Thrown to one who does not want the lease any more. */
export class LeaseWithdrawnError extends Error {
  override readonly name = 'LeaseWithdrawnError';
}

/** Thrown to who has waited in vain for as long as anybody should. */
export class NoRoomError extends Error {
  override readonly name = 'NoRoomError';
}
