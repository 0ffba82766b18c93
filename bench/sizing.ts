import { megabytesOf } from '../src/processes/memory.ts';
import { sessionsThatFit } from '../src/sessions/capacity.ts';
import { startBytes } from '../src/sessions/peaks.ts';

/** How big a machine has to be, reckoned by the formula that admits sessions, from what was measured. */

const megabyte = 1024 ** 2;

/** Of docs/benchmarks.md, the run of 2026-11-25: one active request at its peak, 338 MB, of it the service 112 MB. */
const measured = { serviceMb: 112, sessionMb: 226 };
/** What no run measures, because it is the model's and people's: stated beside the table. */
const turnSeconds = 30;
const workingHours = 8;
const busyShare = 0.25;

const heavyTools = { tools: ['Bash'], mcpServers: { one: stdio(), two: stdio() } };
const memories: Array<[mb: number, label: string]> = [
  [512, '512 MB'],
  [1024, '1 GB'],
  [1536, '1.5 GB'],
  [2048, '2 GB'],
  [4096, '4 GB'],
  [8192, '8 GB'],
  [16_384, '16 GB'],
];

/** The table of docs/operating.md, with what it assumes. */
export function sizingTable(): string {
  const heavyBytes = startBytes(heavyTools);
  const rows = memories.map(([mb, label]) => {
    const availableBytes = (mb - measured.serviceMb) * megabyte;
    const memory = {
      ...{ source: 'setting' as const, oomKills: null, stallPercent: null },
      ...{ limitBytes: mb * megabyte, usedBytes: measured.serviceMb * megabyte, availableBytes },
    };
    const plain = sessionsThatFit(memory, measured.sessionMb * megabyte);
    const heavy = sessionsThatFit(memory, heavyBytes);
    const perHour = (plain * 3600) / turnSeconds;
    const perDay = perHour * workingHours * busyShare;
    return `| ${label} | ${plain} | ${heavy} | ${thousands(perHour)} | ${thousands(perDay)} |`;
  });
  return [
    '| memory for the service and its sessions | at work at once | the same with Bash and two MCP servers each | answers an hour, all at work | answers a day |',
    '|---|---:|---:|---:|---:|',
    ...rows,
    '',
    `Reckoned by the formula of [memory](memory.md) with ${measured.sessionMb} MB for a session at its peak and ${measured.serviceMb} MB for the service`,
    `(measured, [benchmarks](benchmarks.md)), ${megabytesOf(heavyBytes)} MB with Bash and two MCP servers (the estimate until 20 turns are known).`,
    `Assumed, because it is the model’s and people’s: ${turnSeconds} seconds for an answer, ${workingHours} working hours, all sessions at work`,
    `for a quarter of them. What a bot’s sessions really grow to is in \`session_peak_bytes\`.`,
  ].join('\n');
}

function stdio() {
  return { type: 'stdio' as const, command: 'server', args: [], env: {} };
}

function thousands(value: number): string {
  return Math.round(value).toLocaleString('en');
}
