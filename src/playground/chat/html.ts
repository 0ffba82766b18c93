import { html } from 'hono/html';

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

/** The page without any message: everything that changes is filled in by its script. */
export function pageHtml({ suggestedPrompts, hasService }: PageOptions) {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Playground · campfire-ai-bot</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/playground/assets/page.css">
<script type="module" src="/playground/assets/page.js"></script>
</head>
<body data-has-service="${String(hasService)}">
<div class="app" id="app">
${roomsColumn()}
<main class="room">
  <header>
    <button type="button" class="icon only-phone" id="open-rooms" aria-label="Rooms">☰</button>
    <h2 id="room-name"></h2>
    <label class="switch"><input type="checkbox" id="raw" data-testid="raw-toggle"> raw</label>
    <button type="button" class="icon" id="theme" data-testid="theme-toggle" aria-label="Light or dark">◐</button>
    <button type="button" class="icon only-phone" id="open-service" aria-label="What the service does">⚙</button>
  </header>
  <ol class="messages" id="messages" aria-live="polite" aria-label="Messages" tabindex="0"></ol>
  <div class="prompts" id="prompts" role="group" aria-label="Suggestions">
    ${suggestedPrompts.map(
      ({ title, text, shows }, index) =>
        html`<button type="button" data-prompt="${text}" data-testid="prompt-${index}" title="“${text}” — ${shows}">${title}</button>`,
    )}
  </div>
  <form class="composer" id="composer">
    <ul class="completion" id="completion" role="listbox" aria-label="Mention" hidden></ul>
    <label class="icon attach" title="Attach files">＋<input type="file" id="files" multiple aria-label="Attach files"></label>
    <textarea id="text" data-testid="composer" rows="1" placeholder="Write a message" aria-label="Message" autocomplete="off"></textarea>
    <button data-testid="send">Send</button>
  </form>
</main>
${serviceColumn(hasService)}
</div>
</body>
</html>`;
}

const faultSwitches = [
  ['down', 'Campfire is down'],
  ['badGateway', '502 from its proxy'],
  ['slowMs', 'Answers after 5 s'],
  ['loseAnswers', 'Answers get lost'],
  ['outOfOrder', 'Webhooks out of order'],
  ['duplicates', 'Webhooks twice'],
] as const;

function roomsColumn() {
  return html`<nav class="rooms" id="rooms" aria-label="Rooms">
  <h1>Playground</h1>
  <p class="claim">A Campfire look-alike. Whoever mentions <b>@Assistant</b> is answered by a real <code>claude</code> process that belongs to the room, closes when idle and comes back with its memory.</p>
  <div id="room-list"></div>
  <label class="person">You are <select id="person" data-testid="person-switch"></select></label>
  <details class="stage"><summary>Stage</summary>
    <label>Campfire <select id="face" data-testid="face-switch"><option value="full">main branch (full API)</option><option value="v1.4.9">v1.4.9 (bots only post)</option></select></label>
    ${faultSwitches.map(
      ([name, label]) =>
        html`<label class="switch"><input type="checkbox" data-fault="${name}" data-testid="fault-${name}"> ${label}</label>`,
    )}
    <button type="button" id="storm">A storm: 100 messages a second</button>
  </details>
</nav>`;
}

function serviceColumn(hasService: boolean) {
  return html`<aside class="service" id="service" aria-label="What the service does">
  <h2>${hasService ? 'What the service does' : 'Webhooks'}</h2>
  <section id="sessions" data-testid="sessions"></section>
  <section><h3 id="trace-title">${hasService ? 'Turns' : 'Deliveries'}</h3><ol class="trace" id="trace" data-testid="trace"></ol></section>
  <section><h3>Pushes</h3><ol class="pushes" id="pushes" data-testid="pushes"></ol></section>
</aside>`;
}
