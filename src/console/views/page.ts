import { html, raw } from 'hono/html';
import type { ConsoleSnapshot } from '../source.ts';
import type { Html } from './bits.ts';
import type { Frame } from './frame.ts';

/** The pages as a whole: what never changes while one looks. Everything that does is in frame.ts. */

const assets = '/console/assets';

function head(title: string, ...more: Html[]): Html {
  return html`<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${title} · campfire-ai-bot</title>
<link rel="icon" href="${assets}/mark.svg" type="image/svg+xml">
<link rel="stylesheet" href="${assets}/console.css">
${more}
</head>`;
}

export function signInPage(problem: string | null): Html {
  return html`<!doctype html>
<html lang="en">
${head('Sign in')}
<body class="door">
<main>
<h1><img src="${assets}/mark.svg" alt="" width="36" height="36">campfire-ai-bot</h1>
<form method="post" action="/console/sign-in">
<label for="token">Admin token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus ${problem === null ? '' : raw('aria-invalid="true" aria-describedby="problem"')}>
<p class="problem" id="problem" role="alert">${problem ?? ''}</p>
<button>Sign in</button>
<p class="hint">It is the <code>ADMIN_TOKEN</code> that the service was started with. Signing in lasts twelve hours.</p>
</form>
</main>
</body>
</html>`;
}

export function consolePage(
  { version, containment, startedAt, memory, machines: [here] }: ConsoleSnapshot,
  frame: Frame,
  given: { csrf: string; data: unknown },
): Html {
  const part = (name: keyof Frame['parts']) => raw(frame.parts[name]);
  const own = here ? `of ${here.label}` : null;
  return html`<!doctype html>
<html lang="en">
${head(
  'Console',
  html`<meta name="csrf-token" content="${given.csrf}">
<link rel="stylesheet" href="${assets}/tables.css">
<link rel="stylesheet" href="${assets}/uplot.css">
<script src="${assets}/uplot.js"></script>
<script type="module" blocking="render" src="${assets}/console.js"></script>
<script type="application/json" id="data">${dataIn(given.data)}</script>`,
)}
<body>
<header class="top">
<h1><img src="${assets}/mark.svg" alt="" width="24" height="24">campfire-ai-bot</h1>
<p class="about">${version}<span>${containment} containment</span>${here ? html`<span>${here.label}</span>` : ''}<span>up <time datetime="${new Date(startedAt).toISOString()}" data-as="since"></time></span></p>
<p class="live" id="live" role="status" data-state="live"><i class="dot"></i><span>live</span></p>
<button type="button" class="plain" id="sign-out">Sign out</button>
</header>
<main>
<section class="verdict" data-part="verdict" aria-label="Health" aria-live="polite">${part('verdict')}</section>
<div class="cards">
${card('memory', 'Memory', part('memory'), html`<span><i class="key used"></i>used</span><span><i class="key agents"></i>agents</span><span><i class="key limit"></i>limit</span><span><i class="key high"></i>${memory.highPercent} %</span><span><i class="key evicted"></i>evicted</span>`, own)}
${card('agents', 'Agents', part('agents'), html`<span><i class="key busy"></i>busy</span><span><i class="key starting"></i>starting</span><span><i class="key idle"></i>idle</span><span><i class="key spare"></i>spare</span>`, own)}
${card('mail', 'Waiting mail', part('mail'), html`<span><i class="key mail"></i>messages</span><span><i class="key sessions"></i>without a session</span>`)}
${card('latency', 'Turns', part('turns'), html`<span class="paths" data-part="paths">${part('paths')}</span>`)}
</div>
${panels(frame)}
</main>
<dialog id="ask" aria-labelledby="ask-title"><form method="dialog"><h2 id="ask-title"></h2><p id="ask-text"></p><menu><button value="no" autofocus>Cancel</button><button value="yes" class="danger" id="ask-yes"></button></menu></form></dialog>
<p class="toast" id="toast" role="status" aria-live="polite"></p>
</body>
</html>`;
}

/** JSON that cannot end its element, whatever people wrote. */
function dataIn(data: unknown): Html {
  return raw(JSON.stringify(data).replaceAll('<', '\\u003c'));
}

/** `of`: whose, where it is not that of all machines. */
function card(name: string, title: string, figure: Html, key: Html, of: string | null = null): Html {
  const part = name === 'latency' ? 'turns' : name;
  return html`<section class="card" aria-label="${title}"><h2>${title}${of === null ? '' : html` <span class="by">${of}</span>`}</h2><p class="figure" data-part="${part}">${figure}</p><div class="chart" id="chart-${name}"></div><p class="legend">${key}</p></section>`;
}

const tabs = [
  ['turns', 'Turns'],
  ['sessions', 'Sessions'],
  ['machines', 'Machines'],
  ['bots', 'Bots'],
  ['files', 'Files'],
  ['events', 'Events'],
] as const;

type Tab = (typeof tabs)[number][0];

function panels(frame: Frame): Html {
  const shown = tabs.filter(([name]) => frame.several || name !== 'machines');
  const count = (name: Tab) => raw(frame.parts[`${name}Count`]);
  return html`<div class="tabs"><div role="tablist" aria-label="Details">${shown.map(
    ([name, title]) =>
      html`<button type="button" role="tab" id="tab-${name}" aria-controls="panel-${name}" data-tab="${name}">${title} <span class="count" data-part="${name}Count">${count(name)}</span></button>`,
  )}</div><label class="find"><span class="hidden">Filter</span><input id="find" type="search" placeholder="Filter  /" autocomplete="off" spellcheck="false"></label></div>
${shown.map(([name, title]) => html`<section class="panel" role="tabpanel" id="panel-${name}" aria-labelledby="tab-${name}" tabindex="-1"><h2>${title}</h2>${panel(name, frame)}<p class="nothing-found" hidden>Nothing here matches the filter.</p></section>`)}`;
}

function panel(name: Tab, frame: Frame): Html {
  const { several } = frame;
  const rows = raw(Object.values(frame.tables[name]).join(''));
  const machine = several ? ['Machine'] : [];
  switch (name) {
    case 'turns':
      return html`<div class="turn-head" aria-hidden="true"><span>Asked</span><span>Conversation</span>${several ? html`<span>Machine</span>` : ''}<span>Outcome</span><span>Path</span><span class="bar">Time <span class="legend"><i class="key waiting"></i>waiting <i class="key opening"></i>opening <i class="key working"></i>working <i class="key posting"></i>posting</span></span><span class="num">Took</span><span class="num">Tokens</span><span class="num">Cost</span></div><ol class="rows turns ${several ? 'several' : ''}" data-table="turns">${rows}</ol><p class="empty">No turn yet. When somebody mentions a bot, its turn stands here, with the reason if it was slow, cold or refused.</p>`;
    case 'sessions':
      return table(
        name,
        [
          ['Conversation'],
          ...machine.map((m) => [m]),
          ['State'],
          ['Turns', 'num'],
          ['Idle', 'num'],
          ['Memory', 'num'],
          ['Cost', 'num wide'],
          ['Pid', 'num wide'],
          ['', 'act'],
        ],
        rows,
        'No session is live. One is started when somebody asks a bot, and closed when it has been idle for long enough.',
      );
    case 'machines':
      return table(
        name,
        [
          ['Machine'],
          ['State'],
          ['Memory', 'num'],
          ['Sessions', 'num'],
          ['Role', 'wide'],
          ['Version', 'wide'],
          ['Up', 'num'],
        ],
        rows,
        'There is one machine.',
      );
    case 'bots':
      return html`<p class="tools"><button type="button" data-do="reload">Read the bot files again</button></p>${table(name, [['Bot'], ['State'], ['Campfire', 'wide'], ['File', 'wide'], ['Trouble', 'long'], ['For', 'num']], rows, 'There is no bot. Put a file into BOTS_DIR (docs/bots.md).')}`;
    case 'files':
      return table(
        name,
        [
          ['File'],
          ['Conversation', 'wide'],
          ['As'],
          ['Size', 'num'],
          ['Opened', 'num'],
          ['Ends in', 'num'],
          ['', 'act'],
        ],
        rows,
        'No file is shared at the moment.',
      );
    case 'events':
      return table(
        name,
        [['When'], ['Event'], ...machine.map((m) => [m]), ['About', 'wide'], ['Details', 'long']],
        rows,
        'Nothing has happened since the service started.',
      );
  }
}

function table(name: Tab, columns: readonly (readonly string[])[], rows: Html, empty: string): Html {
  return html`<table class="rows ${name}"><thead><tr>${columns.map(([title = '', kind = '']) => (title === '' ? html`<td class="${kind}"></td>` : html`<th scope="col" class="${kind}">${title}</th>`))}</tr></thead><tbody data-table="${name}">${rows}</tbody></table><p class="empty">${empty}</p>`;
}
