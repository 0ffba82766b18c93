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
 * What one message costs the Redis that all machines share. Measured (Redis 7): a bell that is answered, 63 commands and
 * 0.48 ms of Redis's processor, a delayed one that is set, 11 and 0.14 ms (BullMQ 6.7, 500 bells); mail, 125 commands
 * from arrival to outcome, and its bytes (bench/redis-accept.ts, 335 bytes of content). Estimated: 20 commands for the
 * conversation's memory and transcript, the processor's time for both from the 55 µs that 32 commands of accepting take,
 * what machines do between messages, and a transcript's bytes.
 */
export const redisCost = {
  /** Its own bell and the shared one, both answered; mail; memory and transcript. */
  commandsPerMessage: 2 * 63 + 11 + 125 + 20,
  processorMsPerMessage: 2 * 0.48 + 0.14 + (145 / 32) * 0.055,
  /** Ownership is renewed this often while a turn runs. */
  renewalMs: 2_000,
  /** Workers that wait for bells, heartbeats, looks for forgotten mail: of one machine. */
  commandsPerMachineSecond: 10,
  processorMsPerMachineSecond: 2,
  /** A settled message, as long as retention keeps it; beside it, 1.6 KB for each conversation that has any. */
  mailBytesPerMessage: 640,
  /** An exchange in a conversation's transcript, which is kept as long as the conversation. */
  transcriptBytesPerMessage: 7_000,
};
