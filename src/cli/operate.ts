import { systemClock as clock } from '../lib/clock.ts';
import type { Admin } from './admin.ts';
import { tableOf } from './table.ts';

/** What an operator asks a running service from a terminal. */

interface SessionLine {
  id: string;
  state: string;
  pid: number | null;
  turns: number;
  idle_seconds: number;
  memory_mb: number;
  machine: string;
}

interface Health {
  status: string;
  version: string;
  containment: string;
  sessions: { live: number; busy: number; idle: number; spare: number };
  memory: { used_mb: number; limit_mb: number; percent: number; level: string };
  queue: { waiting: number; running: number };
  messages_without_outcome: number;
}

const refreshMs = 1000;

export async function listSessions(admin: Admin, asJson: boolean): Promise<string> {
  const sessions = await admin.get<SessionLine[]>('/api/sessions');
  return asJson ? JSON.stringify(sessions, null, 2) : sessionTable(sessions);
}

/** Closes a session, a running turn included; it resumes with the next message. */
export async function closeSession(admin: Admin, id: string): Promise<string> {
  await admin.delete(`/api/sessions/${encodeURIComponent(id)}`);
  return `${id} is closed; its next message resumes it with its memory.`;
}

/** Draws health and sessions every second until `signal` aborts, or `once`. */
export async function monitor(
  admin: Admin,
  options: { once: boolean; write: (text: string) => void; signal: AbortSignal },
): Promise<void> {
  do {
    const [health, sessions] = await Promise.all([
      admin.get<Health>('/health'),
      admin.get<SessionLine[]>('/api/sessions'),
    ]);
    const frame = `${overview(admin.url, health)}\n\n${sessionTable(sessions)}\n`;
    // From the top left corner, and whatever a longer frame left below goes.
    options.write(options.once ? frame : `\u001b[H\u001b[2K${frame.replaceAll('\n', '\u001b[K\n')}\u001b[J`);
    if (!options.once) await clock.sleep(refreshMs, options.signal);
  } while (!options.once && !options.signal.aborted);
}

function overview(url: string, { status, version, containment, ...now }: Health): string {
  const { sessions, memory, queue } = now;
  return [
    `campfire-ai-bot ${version} at ${url}: ${status}, containment ${containment}`,
    `memory    ${bar(memory.percent)} ${memory.percent} %  ${thousands(memory.used_mb)} of ${thousands(memory.limit_mb)} MB, ${memory.level}`,
    `sessions  ${sessions.live} live (${sessions.busy} busy, ${sessions.idle} idle), ${sessions.spare} spare`,
    `messages  ${queue.waiting} waiting, ${queue.running} in a turn, ${now.messages_without_outcome} without an outcome`,
  ].join('\n');
}

function bar(percent: number): string {
  const filled = Math.min(20, Math.max(0, Math.round(percent / 5)));
  return `[${'#'.repeat(filled)}${'.'.repeat(20 - filled)}]`;
}

function sessionTable(sessions: readonly SessionLine[]): string {
  if (sessions.length === 0) return 'No live session. The next message opens or resumes one.';
  const several = new Set(sessions.map(({ machine }) => machine)).size > 1;
  const head = ['session', 'state', 'turns', 'idle', 'memory', 'pid', ...(several ? ['machine'] : [])];
  const rows = sessions.map(({ id, state, turns, idle_seconds, memory_mb, pid, machine }) => [
    ...[id, state, String(turns), state === 'idle' ? `${idle_seconds} s` : '', `${memory_mb} MB`],
    ...[pid === null ? '' : String(pid), ...(several ? [machine] : [])],
  ]);
  return tableOf(head, rows, 2);
}

function thousands(value: number): string {
  return value.toLocaleString('en');
}
