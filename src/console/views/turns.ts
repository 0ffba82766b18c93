import { html } from 'hono/html';
import type { TurnRow } from '../source.ts';
import { conversation, dash, dot, type Html, moment, nothing } from './bits.ts';
import { count, dollars, duration, pathWords } from './format.ts';
import { type Phase, phasesOf, type Reason, reasonsOf, tookMs } from './why.ts';

const tones: Readonly<Record<string, string>> = {
  ...{ answered: 'good', stopped: 'soft', failed: 'bad', undeliverable: 'bad', refused: 'wait' },
};

/** One turn: what it came to on one line, and on demand why. */
export function turnRow(
  key: string,
  turn: TurnRow,
  { now, several }: { now: number; several: boolean },
): Html {
  const { session, room, machine, arrivedAt, outcome, path, decidedAt } = turn;
  const phases = phasesOf(turn, now);
  const running = decidedAt === null;
  return html`<li data-key="${key}" class="turn"><details><summary>
<span class="at">${moment(arrivedAt, 'clock')}</span>
${conversation(session, room)}
${several ? html`<span class="machine">${machine ?? ''}</span>` : nothing}
<span class="outcome">${running ? html`${dot('work')}running` : html`${dot(tones[outcome ?? ''] ?? 'soft')}${outcome}`}</span>
<span class="path ${path ?? ''}">${path === null ? dash : pathWords[path]}</span>
<span class="bar">${bar(phases)}</span>
<span class="num took">${running ? moment(arrivedAt, 'since') : outcome === 'refused' ? dash : duration(tookMs(turn, now))}</span>
<span class="num tokens">${tokensOf(turn)}</span>
<span class="num cost">${turn.costUsd === null ? dash : dollars(turn.costUsd)}</span>
</summary>${why(turn, phases)}</details></li>`;
}

function bar(phases: readonly Phase[]): Html {
  const whole = phases.reduce((sum, { ms }) => sum + ms, 0);
  if (whole === 0) return nothing;
  let x = 0;
  const pieces = phases.map(({ name, ms }) => {
    const width = (ms / whole) * 100;
    const piece = html`<rect class="${name}" x="${x.toFixed(2)}" width="${width.toFixed(2)}" height="1"/>`;
    x += width;
    return piece;
  });
  const words = phases.map(({ name, ms }) => `${name} ${duration(ms)}`).join(', ');
  return html`<svg viewBox="0 0 100 1" preserveAspectRatio="none" role="img" aria-label="${words}">${pieces}</svg>`;
}

function tokensOf({ tokens }: TurnRow): Html {
  if (tokens === null) return dash;
  const { input, output, cacheRead, cacheWrite } = tokens;
  const read = input + cacheRead + cacheWrite;
  return html`<span title="${input} in, ${cacheRead} from the cache, ${cacheWrite} into it, ${output} out">${count(read)}&thinsp;→&thinsp;${count(output)}</span>`;
}

function why(turn: TurnRow, phases: readonly Phase[]): Html {
  const { text, tools, turn: number, messageIds, outcome } = turn;
  const used = [...tools];
  return html`<div class="why">
${text === null ? nothing : html`<blockquote>${text}</blockquote>`}
${phases.length === 0 ? nothing : html`<p class="phases">${phases.map(({ name, ms }) => html`<span><i class="key ${name}"></i>${name} <b>${duration(ms)}</b></span>`)}</p>`}
<ol>${reasonsOf(turn).map(reasonLine)}</ol>
${used.length === 0 ? nothing : html`<p class="facts">Tools: ${used.map(([name, times]) => html`<code>${name}</code>${times > 1 ? ` × ${times} ` : ' '}`)}</p>`}
<p class="facts">${number === null ? 'No turn' : `Turn ${number}`} · ${messageIds.length === 1 ? 'message' : 'messages'} ${messageIds.map((id) => id ?? 'without id').join(', ')}${outcome === null ? '' : ` · ${outcome}`}</p>
${isReplayable(turn) ? html`<p><button type="button" data-do="replay" data-id="${number}">Answer it again</button></p>` : nothing}
</div>`;
}

/** What ended badly may get another turn. */
function isReplayable({ turn, outcome }: TurnRow): boolean {
  return turn !== null && (outcome === 'failed' || outcome === 'undeliverable');
}

function reasonLine({ at, words, detail, isTrouble }: Reason): Html {
  return html`<li class="${isTrouble ? 'trouble' : ''}">${at === null ? html`<span></span>` : moment(at, 'clock')}<span>${words}${detail === null ? nothing : html` <code>${detail}</code>`}</span></li>`;
}
