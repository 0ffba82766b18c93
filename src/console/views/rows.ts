import { html } from 'hono/html';
import { describeEvent } from '../../telemetry/log.ts';
import type { BotRow, ConsoleSnapshot, FileRow, MachineRow, SessionRow } from '../source.ts';
import { conversation, dash, dot, type Html, machineCell, moment, nothing } from './bits.ts';
import { dollars, fileSize, megabytes, plural } from './format.ts';

/** The rows of the tables. Whatever people or models wrote goes through the template's escaping like all else. */

const stateTones: Readonly<Record<string, string>> = {
  ...{ busy: 'work', starting: 'wait', idle: 'good', closing: 'soft' },
};

export function sessionRow(key: string, row: SessionRow, several: boolean): Html {
  const { id, room, state, step, pid, turns, idleSince, memoryBytes, costUsd, machine } = row;
  return html`<tr data-key="${key}">
<th scope="row">${conversation(id, room)}</th>
${machineCell(machine, several)}
<td class="state">${dot(stateTones[state] ?? 'soft')}${state}${step === null ? nothing : html` <code>${step}</code>`}</td>
<td class="num">${turns}</td>
<td class="num">${idleSince === null ? dash : moment(idleSince, 'since')}</td>
<td class="num">${memoryBytes === 0 ? dash : megabytes(memoryBytes)}</td>
<td class="num wide">${costUsd === null ? dash : dollars(costUsd)}</td>
<td class="num wide">${pid ?? dash}</td>
<td class="act"><button type="button" data-do="close" data-id="${id}" data-busy="${String(state === 'busy')}" ${state === 'closing' ? 'disabled' : ''} aria-label="Close the session of ${id}">Close</button></td>
</tr>`;
}

const shortages: Readonly<Record<string, string>> = {
  memory: 'for memory',
  'max-sessions': 'for one of MAX_SESSIONS',
  starts: 'for others to start',
  closing: 'for a session to end',
  queue: 'behind others',
};

/** A conversation without a session, among those that have one. */
export function waitingRow(key: string, row: ConsoleSnapshot['waiting'][number], several: boolean): Html {
  const { id, room, reason, since, machine } = row;
  return html`<tr data-key="${key}" class="waits">
<th scope="row">${conversation(id, room)}</th>
${machineCell(machine, several)}
<td class="state">${dot('wait')}waits ${shortages[reason] ?? reason}, ${moment(since, 'since')}</td>
<td class="num">${dash}</td>
<td class="num">${dash}</td>
<td class="num">${dash}</td>
<td class="num wide">${dash}</td>
<td class="num wide">${dash}</td>
<td class="act"></td>
</tr>`;
}

const machineTones = { open: 'good', waiting: 'wait', closed: 'soft', missing: 'bad' } as const;
const machineWords = {
  open: 'begins turns',
  waiting: 'sessions wait',
  closed: 'begins no turns',
  missing: 'missing',
} as const;

export function machineRow(key: string, row: MachineRow): Html {
  const { label, state, memory, live, busy, role, version, startedAt, seenAt } = row;
  return html`<tr data-key="${key}">
<th scope="row">${label}</th>
<td class="state">${dot(machineTones[state])}${machineWords[state]}${seenAt === null ? nothing : html` for ${moment(seenAt, 'since')}`}</td>
<td class="num">${memory === null ? dash : html`${memory.percent}&thinsp;%<span class="none wide"> of ${megabytes(memory.limitBytes)}</span>`}</td>
<td class="num">${memory === null ? dash : `${plural(live, 'session')}, ${busy} busy`}</td>
<td class="wide">${role}</td>
<td class="wide">${version}</td>
<td class="num">${startedAt === null ? dash : moment(startedAt, 'since')}</td>
</tr>`;
}

const botTones = { ok: 'good', unhealthy: 'bad', outdated: 'wait', unusable: 'bad' } as const;
const faces = { full: 'reads and posts', 'post-only': 'posts only' } as const;

export function botRow(key: string, row: BotRow): Html {
  const { id, name, file, state, problem, remedy, since, face } = row;
  return html`<tr data-key="${key}">
<th scope="row"><span class="who"><b>${name ?? id ?? file}</b><span>${id ?? 'no bot'}</span></span></th>
<td class="state">${dot(botTones[state])}${state}</td>
<td class="wide">${face === null ? dash : faces[face]}</td>
<td class="wide"><code>${file}</code></td>
<td class="long">${problem === null ? dash : html`${problem}${remedy === null ? nothing : html` <span class="remedy">${remedy}</span>`}`}</td>
<td class="num">${since === null ? dash : moment(Date.parse(since), 'since')}</td>
</tr>`;
}

export function fileRow(key: string, row: FileRow): Html {
  const { id, name, title, mediaType, bytes, session, room, as, hits, expiresAt } = row;
  return html`<tr data-key="${key}">
<th scope="row"><span class="who"><b>${title}</b><span>${name === title ? mediaType : name}</span></span></th>
<td class="wide">${conversation(session, room)}</td>
<td>${as}</td>
<td class="num">${fileSize(bytes)}</td>
<td class="num">${hits}</td>
<td class="num">${moment(expiresAt, 'until')}</td>
<td class="act"><button type="button" data-do="revoke" data-id="${id}" aria-label="End the link to ${title}">End</button></td>
</tr>`;
}

const levelTones = { debug: 'soft', info: 'soft', warn: 'wait', error: 'bad' } as const;

export function eventRow(key: string, row: ConsoleSnapshot['events'][number], several: boolean): Html {
  const { at, event, machine } = row;
  const { type, ...fields } = event;
  const { level, words } = describeEvent(type);
  const about = 'session' in fields ? fields.session : 'bot' in fields ? (fields.bot ?? '') : '';
  const rest = Object.entries(fields).filter(
    ([name, value]) => !['session', 'bot'].includes(name) && value !== null && !isEmpty(value),
  );
  return html`<tr data-key="${key}">
<td class="at">${moment(at, 'clock')}</td>
<th scope="row">${dot(levelTones[level])}${words}${words === type ? nothing : html`<span class="type">${type}</span>`}</th>
${machineCell(machine, several)}
<td class="wide">${about}</td>
<td class="long">${rest.map(([name, value]) => html`<span class="field"><i>${name}</i> ${shown(value)}</span> `)}</td>
</tr>`;
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
