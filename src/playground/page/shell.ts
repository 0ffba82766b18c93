import { html, raw } from 'hono/html';

/** A message that the page offers to send. */
export interface SuggestedPrompt {
  title: string;
  text: string;
  /** What one can see by it. */
  shows: string;
}

export interface PageOptions {
  suggestedPrompts: readonly SuggestedPrompt[];
  /** Whether a service reports what it does; without one the page shows webhook deliveries instead. */
  hasService: boolean;
}

/** Rendered once per request; everything that changes afterwards is the script's. */
type Markup = ReturnType<typeof html>;

/** Faults that are on or off, by their name in the API, with what they do. */
const faults = [
  ['down', 'Campfire is down', 'Its connections drop without an answer.'],
  ['badGateway', '502 from its proxy', 'A proxy answers in its place with a page.'],
  ['slowMs', 'Slow: 5 seconds', 'Each call of the bot API takes 5 s longer.'],
  ['loseAnswers', 'Answers get lost', 'It does what it is told, but nobody hears that it did.'],
  ['tlsRedirectTo', 'Redirects to https', 'It answers 301, as behind TLS when called over http.'],
  ['deleteUnderEdit', 'Deletes under edits', 'Somebody deletes a message while the bot edits it.'],
  ['failProcessing', 'Files fail', 'A posted file is kept, but the answer is 500.'],
  ['outOfOrder', 'Webhooks out of order', 'A later webhook overtakes an earlier one.'],
  ['duplicates', 'Webhooks twice', 'Each webhook arrives a second time.'],
  ['webhookBadGateway', '502 in front of the bot', 'Campfire posts the error page as a file.'],
  ['key', 'Key rotated', 'The bot’s key is refused until this is off again.'],
] as const;

export function shell(options: PageOptions): Markup {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, interactive-widget=resizes-content">
<meta name="color-scheme" content="light dark">
<title>Playground · campfire-ai-bot</title>
<link rel="icon" href="/playground/assets/icon.svg">
${['page', 'room', 'message', 'panel'].map((name) => html`<link rel="stylesheet" href="/playground/assets/${name}.css">`)}
<script src="/playground/assets/theme.js"></script>
<script type="module" src="/playground/assets/page.js"></script>
</head>
<body data-has-service="${options.hasService}">
${raw(sprite)}
<div class="app" id="app">
<div class="scrim" id="scrim"></div>
${sidebar(options)}
${room(options)}
${panel(options)}
</div>
<div class="toasts" id="toasts" role="status" aria-live="polite"></div>
</body>
</html>`;
}

function sidebar({ hasService }: PageOptions): Markup {
  const claim = hasService
    ? html`Mention <b>@a bot</b> and a real <code>claude</code> process answers. It belongs to the room, closes when idle, and <b>comes back with its memory</b>.`
    : html`A Campfire look-alike for any bot that answers webhooks. Mention it, and see what it was sent and what it answered.`;
  return html`<nav class="sidebar" id="sidebar" aria-label="Rooms">
  <div class="brand"><img src="/playground/assets/icon.svg" alt="" width="30" height="30"><h1>Playground</h1></div>
  <p class="claim">${claim}</p>
  <div class="room-list" id="room-list"></div>
  <div class="whoami">
    <span class="avatar" id="my-avatar" aria-hidden="true"></span>
    <label for="person"><span>You are</span>
    <select id="person" data-testid="person-switch"></select></label>
    ${iconButton('theme', 'i-theme', 'Light or dark', 'theme-toggle')}
  </div>
</nav>`;
}

function room({ suggestedPrompts }: PageOptions): Markup {
  return html`<main class="room" id="room">
  <header class="room-head">
    ${iconButton('open-rooms', 'i-menu', 'Rooms', 'open-rooms', 'opens-rooms')}
    <div class="room-title"><h2 id="room-name" data-testid="room-name"></h2><p id="room-about"></p></div>
    <label class="switch raw-switch" title="Show what was posted, and what Campfire took out of it"><input type="checkbox" id="raw" role="switch" data-testid="raw-toggle"><span>Raw</span></label>
    <button type="button" class="vitals" id="open-panel" data-testid="open-panel" aria-label="What happens inside"><span class="ember" data-heat="out"></span><span id="vitals">0</span></button>
  </header>
  <div class="banner" id="banner" data-testid="banner" hidden></div>
  <div class="scroller" id="scroller" tabindex="0" role="region" aria-label="Conversation">
    <button type="button" class="earlier" id="earlier" hidden>Earlier messages</button>
    <section class="welcome" id="welcome" hidden>
      <h3>Nobody has said anything here yet</h3>
      <p id="welcome-text"></p>
    </section>
    <ol class="messages" id="messages" role="log" aria-live="polite" aria-relevant="additions" aria-label="Messages"></ol>
  </div>
  <div class="prompts" id="prompts" role="group" aria-label="Things to try">
    ${suggestedPrompts.map(
      ({ title, text, shows }, index) =>
        html`<button type="button" data-prompt="${text}" data-testid="prompt-${index}" title="“${text}”"><b>${title}</b><span>${shows}</span></button>`,
    )}
  </div>
  <form class="composer" id="composer">
    <ul class="completion" id="completion" role="listbox" aria-label="Mention" hidden></ul>
    <div class="quoting" id="quoting" hidden><span></span>${iconButton('stop-quoting', 'i-close', 'Do not reply to it')}</div>
    <div class="writing">
      <label class="icon-button attach" title="Attach files">${icon('i-plus')}<input type="file" id="files" multiple aria-label="Attach files" data-testid="files"></label>
      <textarea id="text" data-testid="composer" rows="1" placeholder="Message" aria-label="Message" autocomplete="off" role="combobox" aria-autocomplete="list" aria-controls="completion" aria-expanded="false"></textarea>
      <button class="send" data-testid="send" aria-label="Send">${icon('i-send')}</button>
    </div>
    <p class="hint"><span id="hint" data-testid="hint"></span><span class="keys"><kbd>Enter</kbd> sends · <kbd>↑</kbd> edits · <kbd>Alt</kbd> <kbd>↑</kbd> <kbd>↓</kbd> rooms</span></p>
  </form>
</main>`;
}

function panel({ hasService }: PageOptions): Markup {
  const title = hasService ? 'Behind the scenes' : 'Webhooks';
  return html`<aside class="panel" id="panel" aria-label="${title}">
  <header><h2>${title}</h2><span class="badge" id="model-badge" hidden></span>${iconButton('close-panel', 'i-close', 'Close', '', 'closes-panel')}</header>
  <section class="sessions" id="sessions" data-testid="sessions" aria-label="Sessions" ${hasService ? '' : 'hidden'}></section>
  <section class="trace" aria-label="Messages on their way"><h3>${hasService ? 'This message' : 'Deliveries'}</h3><div id="trace" data-testid="trace"></div></section>
  <section><h3>Pushes</h3><ol class="pushes" id="pushes" data-testid="pushes"></ol></section>
  <details class="stage" id="stage" data-testid="stage"><summary>Make something go wrong</summary>
    <label class="face">Campfire <select id="face" data-testid="face-switch"><option value="full">main branch: full bot API</option><option value="v1.4.9">v1.4.9: bots can only post</option></select></label>
    ${faults.map(
      ([name, label, does]) =>
        html`<label class="switch"><input type="checkbox" role="switch" data-fault="${name}" data-testid="fault-${name}"><span><b>${label}</b><small>${does}</small></span></label>`,
    )}
    <div class="acts">
      <button type="button" id="storm" data-testid="fault-storm"><b>A storm</b><small>50 messages in 2 s</small></button>
      <button type="button" id="restart" data-testid="fault-restart"><b>Restart Campfire</b><small>waiting webhooks are lost</small></button>
    </div>
  </details>
</aside>`;
}

function iconButton(id: string, symbol: string, label: string, testId = '', extra = ''): Markup {
  const mark = testId === '' ? '' : html` data-testid="${testId}"`;
  return html`<button type="button" class="icon-button ${extra}" id="${id}"${mark} aria-label="${label}" title="${label}">${icon(symbol)}</button>`;
}

function icon(symbol: string): Markup {
  return html`<svg class="icon" aria-hidden="true"><use href="#${symbol}"/></svg>`;
}

/** Drawn once, used by name: `<use href="#i-send">`. */
const sprite = `<svg hidden width="0" height="0" aria-hidden="true"><defs>${Object.entries({
  menu: '<path d="M4 7h16M4 12h16M4 17h10"/>',
  close: '<path d="m6 6 12 12M18 6 6 18"/>',
  plus: '<path d="M12 5v14M5 12h14"/>',
  send: '<path d="M12 19V5m-6 6 6-6 6 6"/>',
  theme: '<circle cx="12" cy="12" r="8"/><path d="M12 4a8 8 0 0 1 0 16z" fill="currentColor"/>',
  boost: '<circle cx="12" cy="12" r="8"/><path d="M9 10h.01M15 10h.01M8.5 14a4 4 0 0 0 7 0"/>',
  reply: '<path d="m9 7-5 5 5 5"/><path d="M4 12h9a6 6 0 0 1 6 6"/>',
  edit: '<path d="m5 19 1-4L16 5l3 3L9 18z"/>',
  bin: '<path d="M5 7h14M10 7V5h4v2m-7 0 1 12h8l1-12"/>',
  file: '<path d="M7 3h7l4 4v14H7z"/><path d="M14 3v5h4"/>',
  sound: '<path d="M5 10v4h3l4 4V6l-4 4zM16 9a4 4 0 0 1 0 6"/>',
})
  .map(([name, shape]) => `<symbol id="i-${name}" viewBox="0 0 24 24">${shape}</symbol>`)
  .join('')}</defs></svg>`;
