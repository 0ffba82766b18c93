/** What the simulated parts take their numbers from. All of it was measured with a model that answers at once. */

const megabyte = 1024 * 1024;

export const measured = {
  /** Of one agent on free cores, from its start until it works; a claimed spare is there at once. */
  startMs: { opened: 375, resumed: 400, sigma: 0.15 },
  /** What a start takes of one core. */
  startCpuMs: 385,
  /** What the session and the service add to a turn, of which most is the processor's. */
  turnOverheadMs: 25,
  turnCpuMs: 30,
  /** From asking a resting session to end until its tree is gone. */
  closeMs: 15,
  /** A started agent before its first prompt. */
  parkedBytes: 100 * megabyte,
  /** What a busy session holds at its n-th turn. */
  busyBytes: [
    { turn: 1, bytes: 122 * megabyte },
    { turn: 50, bytes: 179 * megabyte },
    { turn: 100, bytes: 202 * megabyte },
    { turn: 150, bytes: 212 * megabyte },
    { turn: 200, bytes: 224 * megabyte },
  ],
  /** How much of what is above a parked one stays after ten seconds of rest, and how far sessions differ. */
  restShare: 0.6,
  restsAfterMs: 10_000,
  bytesSigma: 0.08,
  /** One tool server (MCP) in Node. */
  serverBytes: 45 * megabyte,
  /** What a machine holds before its first session: system, service, and the program that all agents share. */
  machineBytes: (300 + 105 + 80) * megabyte,
};

/**
 * What one message costs the Redis that all machines share.
 * PLACEHOLDERS, to be replaced by what the drivers are measured at: mail, bells, ownership, transcripts.
 */
export const redisCost = {
  /** Accepting, bells, ownership, turn, transcript, outbox. */
  commandsPerMessage: 20,
  /** Ownership is renewed this often while a turn runs. */
  renewalMs: 2_000,
  /** Heartbeats and looks for forgotten mail, of one machine. */
  commandsPerMachineSecond: 2,
  /** A settled message with its answer, as long as retention keeps it. */
  mailBytesPerMessage: 2_000,
  /** An exchange in a conversation's transcript, which is kept as long as the conversation. */
  transcriptBytesPerMessage: 7_000,
};
