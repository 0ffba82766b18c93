import { html } from 'hono/html';
import type { ConsoleSnapshot, Trouble } from '../source.ts';
import { dot, type Html, moment, nothing } from './bits.ts';
import { dollars, duration, megabytes, pathWords, plural, quantile } from './format.ts';
import { tookMs } from './why.ts';

/** What answers at a glance: is it well, and the figures above the charts. */

/** Beyond these the page says how many more there are. */
const troublesShown = 6;

export function verdict({ troubles, mail, machines }: ConsoleSnapshot): Html {
  const isFine = troubles.every(({ level }) => level === 'note');
  const waits =
    mail.withoutOutcome === 0
      ? 'Every message has its answer.'
      : `${plural(mail.withoutOutcome, 'message')} under way.`;
  const those = machines.length > 1 ? ` ${machines.length} machines are there.` : '';
  const more = troubles.length - troublesShown;
  return html`<ul class="troubles">${isFine ? html`<li><i class="dot good"></i><span><b>All is well.</b> ${waits}${those}</span></li>` : nothing}${troubles.slice(0, troublesShown).map(troubleLine)}${more > 0 ? html`<li>and ${more} more: see Bots and Events</li>` : nothing}</ul>`;
}

const dots = { bad: 'bad', warn: 'wait', note: 'soft' } as const;

function troubleLine({ level, problem, remedy, since }: Trouble): Html {
  return html`<li class="${level}">${dot(dots[level])}<span><b>${problem}</b> ${remedy}</span>${since === null ? nothing : html`<span class="since">for ${moment(since, 'since')}</span>`}</li>`;
}

export function memoryFigure({ memory }: ConsoleSnapshot): Html {
  const { usedBytes, limitBytes, percent, level, source } = memory;
  return html`<b class="${level}">${percent}&thinsp;%</b><span>${megabytes(usedBytes)} of ${megabytes(limitBytes)} <span class="by">(${sourceWords[source] ?? source})</span></span>`;
}

const sourceWords: Readonly<Record<string, string>> = {
  ...{ setting: 'MEMORY_LIMIT_MB', 'cgroup-v2': 'cgroup', 'cgroup-v1': 'cgroup', host: 'machine' },
};

/** Of this machine, as the chart below it. */
export function agentsFigure({ sessions: all, spares, machines: [here] }: ConsoleSnapshot): Html {
  const sessions = here ? all.filter(({ machine }) => machine === here.label) : all;
  const inState = (...states: string[]) => sessions.filter(({ state }) => states.includes(state)).length;
  const parts = [
    ...[`${inState('busy', 'starting')} busy`, `${inState('idle')} idle`],
    ...(spares > 0 ? [plural(spares, 'spare')] : []),
    ...(inState('closing') > 0 ? [`${inState('closing')} closing`] : []),
  ];
  return html`<b>${sessions.length + spares}</b><span>${parts.join(' · ')}</span>`;
}

export function mailFigure({ mail, waiting }: ConsoleSnapshot): Html {
  const { waiting: messages, running, undelivered } = mail;
  const rest = [
    `${plural(running, 'turn')} running`,
    ...(undelivered > 0 ? [`${plural(undelivered, 'post')} to send`] : []),
    ...(shortages[waiting[0]?.reason ?? ''] ?? []),
  ];
  return html`<b class="${messages > 0 ? 'high' : ''}">${messages}</b><span>${rest.join(' · ')}</span>`;
}

const shortages: Readonly<Record<string, readonly string[]>> = {
  ...{ memory: ['memory is short'], 'max-sessions': ['MAX_SESSIONS live'], starts: ['sessions start'] },
};

const hourMs = 3_600_000;

export function turnsFigure({ turns, at }: ConsoleSnapshot): Html {
  const decided = turns.filter(
    ({ decidedAt, outcome }) => (decidedAt ?? 0) > at - hourMs && outcome !== 'refused',
  );
  const failed = decided.filter(({ outcome }) => outcome === 'failed' || outcome === 'undeliverable').length;
  const cost = decided.reduce((sum, { costUsd }) => sum + (costUsd ?? 0), 0);
  const rest = [
    'in an hour',
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(cost > 0 ? [dollars(cost)] : []),
  ];
  return html`<b class="${failed > 0 ? 'high' : ''}">${decided.length}</b><span>${rest.join(' · ')}</span>`;
}

/** The key of the chart of turns: each path with its median and p95. */
export function pathsKey({ turns, at }: ConsoleSnapshot): Html {
  return html`${(['hot', 'claimed', 'resumed', 'opened'] as const).map((path) => {
    const took = turns.flatMap((turn) =>
      turn.path === path && turn.outcome === 'answered' ? [tookMs(turn, at)] : [],
    );
    const [half, most] = [quantile(took, 0.5), quantile(took, 0.95)];
    const words = half === null || most === null ? '' : `${duration(half)}`;
    const title =
      half === null || most === null
        ? 'none yet'
        : `${plural(took.length, 'turn')}: median ${duration(half)}, p95 ${duration(most)}`;
    return html`<span title="${title}"><i class="key ${path}"></i>${pathWords[path]} <b>${words}</b></span>`;
  })}`;
}
