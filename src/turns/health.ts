import type { Failure } from '../campfire/answers.ts';

/**
 * Whether a bot's key and Campfire itself are in order, as the answers to our calls tell. Decided purely: a report
 * and a time go in, the new state comes out; delivery paces itself by it, and log, metrics and API show it.
 *
 * A trouble of one room or one message (a refusal, a hang, a failed thumbnail) says nothing about either.
 */

export type Health =
  | { readonly state: 'ok' }
  | {
      readonly state: 'unhealthy';
      readonly problem: string;
      readonly remedy: string;
      /** Epoch ms. */
      readonly since: number;
      /** Probes that failed since then. */
      readonly probes: number;
      /** Epoch ms of the next try; until then nothing is sent. */
      readonly probeAt: number;
    };

export const healthy: Health = { state: 'ok' };

/** What one answer proves; null where it proves nothing. */
export interface Evidence {
  readonly key: Finding | null;
  readonly campfire: Finding | null;
}

export type Finding = 'good' | { readonly problem: string; readonly remedy: string };

/** How long a failed probe is followed by silence: the first pause, doubled up to the longest. */
export interface Pace {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** Campfire comes back from an update within a minute; whoever waits for an answer should not wait longer. */
export const campfirePace: Pace = { firstMs: 1000, longestMs: 60_000 };
/** A key is mended by a person, and the edit of its file is noticed at once. */
export const keyPace: Pace = { firstMs: 30_000, longestMs: 600_000 };

/** What the result of a call says about the key it was made with, and about Campfire. */
export function evidenceOf(result: { readonly kind: 'success' } | Failure, file: string): Evidence {
  switch (result.kind) {
    case 'success':
    case 'notMember':
    case 'notFound':
    case 'forbidden':
      return { key: 'good', campfire: 'good' };
    case 'badKey':
      return {
        key: { problem: 'Campfire does not know the key', remedy: `${result.remedy} It belongs in ${file}.` },
        campfire: 'good',
      };
    case 'wrongAddress':
      return {
        key: null,
        campfire: {
          problem: `CAMPFIRE_URL leads to something that is not Campfire (HTTP ${result.status})`,
          remedy: result.remedy,
        },
      };
    case 'redirected':
      return {
        key: null,
        campfire: { problem: `Campfire sends every call on to ${result.to}`, remedy: result.remedy },
      };
    case 'unavailable':
      return { key: null, campfire: isAway(result) ? away(result.cause) : null };
    case 'unsupported':
    case 'rejected':
    case 'tooMany':
    case 'withheld':
      return { key: null, campfire: null };
  }
}

/** The state after a finding. A failed probe lengthens the pause; `random` (0 to 1) spreads it. */
export function nextHealth(before: Health, found: Finding, pace: Pace, now: number, random: number): Health {
  if (found === 'good') return healthy;
  const probes = before.state === 'ok' ? 0 : before.probes + 1;
  // Answers to calls that were under way together are one finding.
  if (before.state === 'unhealthy' && now < before.probeAt) return before;
  const pauseMs = Math.min(pace.longestMs, pace.firstMs * 2 ** Math.min(probes, 20));
  return {
    ...{ state: 'unhealthy', ...found, probes },
    since: before.state === 'ok' ? now : before.since,
    probeAt: Math.round(now + pauseMs * (0.5 + random / 2)),
  };
}

/** Nobody is there: refused, no such host, or a proxy that says so. A hang or a 500 may be one room's own trouble. */
function isAway({ status, cause }: Extract<Failure, { kind: 'unavailable' }>): boolean {
  return status === 502 || status === 503 || (status === null && unreachable.has(cause));
}

const unreachable: ReadonlySet<string> = new Set([
  ...['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'ENOTFOUND', 'EAI_AGAIN'],
  ...['CERT_HAS_EXPIRED', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN'],
  ...['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'ERR_TLS_CERT_ALTNAME_INVALID'],
]);

function away(cause: string): Finding {
  return {
    problem: `Campfire is not there (${cause})`,
    remedy: 'Check that Campfire runs, and that CAMPFIRE_URL leads to it. What is to be posted waits.',
  };
}
