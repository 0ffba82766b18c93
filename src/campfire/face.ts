import type { Clock } from '../lib/clock.ts';
import type { CallReport, CampfireClient } from './client.ts';

/** What Campfire lets bots do: everything, or post and nothing else (1.4.9 and before). */
export type KnownFace = 'full' | 'post-only';

/**
 * What is known of the Campfire at the other end. It is one for all bots, so it is asked once; an upgrade shows within
 * ten minutes, a downgrade with the first call that is refused.
 */
export interface FaceBook {
  /** Asks if need be, with a reading of this room. Null when that could not be found out now. Never rejects. */
  find(key: string, roomId: number): Promise<KnownFace | null>;
  /** Takes in what came of a call. */
  report(report: Pick<CallReport, 'call' | 'result'>): void;
  /** What was found out so far; null before anybody asked. */
  known(): KnownFace | null;
}

/** A post-only Campfire is asked again after this time: a 404 is what it costs. */
const askAgainMs = 600_000;

export function createFaceBook(client: Pick<CampfireClient, 'probeFace'>, clock: Clock): FaceBook {
  let known: KnownFace | null = null;
  let askedAtMs = 0;
  let asking: Promise<KnownFace | null> | null = null;

  const ask = async (key: string, roomId: number): Promise<KnownFace | null> => {
    const face = await client.probeFace(key, roomId);
    if (face !== 'full' && face !== 'post-only') return null;
    known = face;
    askedAtMs = clock.monotonicMs();
    return face;
  };

  return {
    known: () => known,
    async find(key, roomId) {
      if (known === 'full') return known;
      if (known !== null && clock.monotonicMs() - askedAtMs < askAgainMs) return known;
      asking ??= ask(key, roomId).finally(() => {
        asking = null;
      });
      return asking;
    },
    report({ result }) {
      if (result.kind === 'unsupported' && known === 'full') known = null;
    },
  };
}
