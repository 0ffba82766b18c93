import { html } from 'hono/html';
import type { PageOptions } from './page.ts';

/** A message that the page offers to send. */
export interface SuggestedPrompt {
  title: string;
  text: string;
  /** What one can see by it. */
  shows: string;
}

type Html = ReturnType<typeof html>;

/** Switches of `FaultSettings`: name, value when on, label. `key` is a switch of the page's own. */
const troubles = [
  ['down', 'true', 'Campfire is down'],
  ['slowMs', '5000', 'Slow: 5 s a call'],
  ['badGateway', 'true', '502 pages'],
  ['webhookBadGateway', 'true', '502 to webhooks'],
  ['key', 'true', 'Bot key rotated'],
  ['loseAnswers', 'true', 'Replies get lost'],
  ['duplicates', '1', 'Webhooks twice'],
  ['outOfOrder', 'true', 'Out of order'],
  ['failProcessing', 'true', 'Thumbnails fail'],
  ['deleteUnderEdit', 'true', 'Deleted while edited'],
] as const;

const flame = html`<svg class="flame" viewBox="0 0 32 32" width="28" height="28" aria-hidden="true"><path d="M17 2c1 5-6 8-6 14 0 2 1 3 2 4-3-1-5-3-5-6-3 3-4 6-4 8 0 5 5 8 12 8s12-4 12-10c0-7-7-9-11-18z"/><path class="core" d="M16 18c0 3-4 4-4 7 0 2 2 4 4.5 4s4.5-2 4.5-4c0-3-4-4-5-7z"/></svg>`;

/** The whole page without its data, which its script fetches. */
export function pageHtml({ suggestedPrompts, hasService }: PageOptions): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, interactive-widget=resizes-content">
<meta name="color-scheme" content="light dark">
<title>Playground · campfire-ai-bot</title>
<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ctext y='13' font-size='13'%3E🔥%3C/text%3E%3C/svg%3E">
<script src="/playground/assets/theme.js"></script>
${['page', 'body', 'service', 'narrow'].map((name) => html`<link rel="stylesheet" href="/playground/assets/${name}.css">`)}
<script type="module" src="/playground/assets/page.js"></script>
</head>
<body data-has-service="${String(hasService)}">
<div class="app" id="app">
${sidebar()}
${room(suggestedPrompts)}
${behindTheScenes(hasService)}
<div class="backdrop" id="backdrop"></div>
</div>
<div class="toasts" id="toasts" role="status"></div>
</body>
</html>`;
}

function sidebar(): Html {
  return html`<nav class="sidebar" id="rooms" aria-label="Rooms and settings">
  <div class="brand">${flame}<div><h1>Playground</h1><p>A Campfire look-alike, alive</p></div></div>
  <div class="room-list" id="room-list"></div>
  <label class="person"><span class="avatar" id="person-avatar" aria-hidden="true"></span>
    <span class="person-name"><small>You are</small><select id="person" data-testid="person-switch"></select></span>
  </label>
  <section class="trouble" aria-labelledby="trouble-title">
    <h3 id="trouble-title">Make trouble</h3>
    <div class="chips">
      ${troubles.map(
        ([name, on, label]) => html`<label class="chip"><input type="checkbox" data-fault="${name}" data-on="${on}"
          data-testid="fault-${name}">${label}</label>`,
      )}
      <button type="button" class="chip" id="storm" data-testid="fault-storm">Storm: 100 messages</button>
    </div>
    <label class="face">Campfire
      <select id="face" data-testid="face-switch">
        <option value="full">main: full bot API</option>
        <option value="v1.4.9">v1.4.9: bots only post</option>
      </select>
    </label>
  </section>
</nav>`;
}

function room(suggestedPrompts: readonly SuggestedPrompt[]): Html {
  return html`<main class="room" id="room">
  <header>
    <button type="button" class="icon narrow-only" id="open-rooms" aria-label="Rooms" aria-controls="rooms" aria-expanded="false">☰<i class="dot" id="elsewhere" hidden></i></button>
    <div class="title"><h2 id="room-name"></h2><p id="room-about"></p></div>
    <label class="chip" title="The stored HTML of each message, and what Campfire would not show of it"><input type="checkbox" id="raw" data-testid="raw-toggle">Raw</label>
    <button type="button" class="icon" id="theme" data-testid="theme-toggle" aria-label="Light or dark" title="Light or dark">◐</button>
    <button type="button" class="icon narrow-only" id="open-service" aria-label="Behind the scenes" aria-controls="service" aria-expanded="false">⚙</button>
  </header>
  <ol class="messages" id="messages" role="log" aria-label="Messages" aria-relevant="additions" tabindex="0"></ol>
  <button type="button" class="newer" id="newer" hidden>↓ New messages</button>
  <div class="intro" id="intro" hidden>
    <h3>Say something to an AI that lives in this room.</h3>
    <p>Mention a bot and the room gets a <code>claude</code> process of its own, which answers, rests when nobody needs it and comes back with its memory. You see each step of that <span class="wide-only">on the right</span><span class="narrow-only">under ⚙</span>, with the milliseconds it took.</p>
  </div>
  <div class="prompts" id="prompts" role="group" aria-label="Things to try">
    ${suggestedPrompts.map(
      ({ title, text, shows }, index) => html`<button type="button" data-prompt="${text}" data-testid="prompt-${index}"
        title="“${text}” ${shows}"><b>${title}</b><span>${shows}</span></button>`,
    )}
  </div>
  <form class="composer" id="composer" autocomplete="off">
    <ul class="completion" id="completion" role="listbox" aria-label="People and bots" hidden></ul>
    <label class="icon attach" title="Attach files"><span aria-hidden="true">＋</span><input type="file" id="files" multiple aria-label="Attach files" data-testid="attach"></label>
    <textarea id="text" data-testid="composer" rows="1" placeholder="Write a message" aria-label="Message" aria-describedby="hint"
      role="combobox" aria-autocomplete="list" aria-expanded="false" aria-controls="completion"></textarea>
    <button class="send" data-testid="send" aria-label="Send">Send</button>
    <p class="hint" id="hint"></p>
  </form>
</main>`;
}

function behindTheScenes(hasService: boolean): Html {
  return html`<aside class="service" id="service" aria-label="Behind the scenes">
  <div class="grip narrow-only"><button type="button" class="icon" id="close-service" aria-label="Close">✕</button></div>
  <header><h2>Behind the scenes</h2><p id="summary">${hasService ? 'Connecting…' : 'What Campfire and the bot say to each other'}</p></header>
  <section id="sessions-section" ${hasService ? '' : 'hidden'}>
    <h3>Live sessions</h3>
    <div id="sessions" data-testid="sessions"></div>
  </section>
  <section>
    <h3>${hasService ? 'From message to answer' : 'Webhook deliveries'}</h3>
    <ol class="traces" id="trace" data-testid="trace"></ol>
  </section>
  <section id="pushes-section" hidden>
    <h3>On people’s phones</h3>
    <ol class="pushes" id="pushes" data-testid="pushes"></ol>
  </section>
  <details class="wire">
    <summary>Everything, as it happens</summary>
    <ol id="wire" data-testid="wire"></ol>
  </details>
</aside>`;
}
