import { html, raw } from 'hono/html';
import { icon, iconSheet } from './icons.ts';
import { stagePanel } from './stage-panel.ts';

/** A message that the page offers to send. */
export interface SuggestedPrompt {
  title: string;
  text: string;
  /** What one can see by it. */
  shows: string;
  /** The heading below which the page lists it. */
  group: string;
  /** Its place among those that the page offers at first sight. */
  featured?: number;
  /** What the page does besides, some seconds after the turn began. */
  meanwhile?: { act: 'kill'; afterSeconds: number } | { act: 'say'; text: string; afterSeconds: number };
}

export interface PageOptions {
  suggestedPrompts: readonly SuggestedPrompt[];
  /** Whether a service reports what it does; without one the page shows webhook deliveries instead. */
  hasService: boolean;
}

/** Stylesheets in the order in which they apply. */
export const styles = ['base', 'layout', 'messages', 'composer', 'inside', 'stage'] as const;

/**
 * The whole page. What changes is drawn by its script, at first from `data`, which comes with it: nothing is fetched
 * before the first picture, and nothing moves after it.
 */
export function pageHtml(options: PageOptions, data: unknown) {
  const { suggestedPrompts, hasService } = options;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, interactive-widget=resizes-content">
<meta name="color-scheme" content="light dark">
<title>Playground · campfire-ai-bot</title>
<link rel="icon" href="/playground/assets/mark.svg" type="image/svg+xml">
${styles.map((name) => html`<link rel="stylesheet" href="/playground/assets/${name}.css">\n`)}
<script src="/playground/assets/theme.js"></script>
<script type="module" blocking="render" src="/playground/assets/page.js"></script>
<script type="application/json" id="data">${dataIn(data)}</script>
</head>
<body data-has-service="${String(hasService)}">
${iconSheet}
<div class="app" id="app" data-drawer="">
${roomsColumn(hasService)}
${conversation(suggestedPrompts)}
${insideColumn(hasService)}
<button type="button" class="veil" id="veil" aria-label="Back to the conversation" tabindex="-1"></button>
</div>
${stagePanel()}
${everythingPanel(options)}
<div class="picker" id="picker" popover aria-label="Boost this message" data-testid="boost-picker"></div>
<p class="toast" id="toast" role="status" aria-live="polite"></p>
</body>
</html>`;
}

/** JSON that cannot end its element, whatever people wrote. */
function dataIn(data: unknown) {
  return raw(JSON.stringify(data).replaceAll('<', '\\u003c'));
}

const claims = {
  service: html`A Campfire that runs on this machine, and your bot in it. Mention <b>@Assistant</b>: a <code>claude</code> process that belongs to the room answers, closes when idle, and comes back with its memory.`,
  alone: html`A Campfire that runs on this machine, with your bot in it. It delivers webhooks, judges answers and takes posts as Campfire’s source does.`,
};

function roomsColumn(hasService: boolean) {
  return html`<nav class="rooms" id="rooms" aria-label="Rooms and people">
  <h1 class="brand"><img src="/playground/assets/mark.svg" alt="" width="26" height="26">Playground</h1>
  <p class="claim">${hasService ? claims.service : claims.alone}</p>
  <div id="room-list" class="room-list"></div>
  <fieldset class="people" id="people" data-testid="people"><legend>You are</legend></fieldset>
</nav>`;
}

function conversation(suggestedPrompts: readonly SuggestedPrompt[]) {
  return html`<main class="room">
  <header>
    <button type="button" class="tool only-narrow" id="open-rooms" aria-label="Rooms">${icon('menu')}<span class="dot" id="unread-elsewhere" hidden></span></button>
    <div class="room-title"><h2 id="room-name"></h2><p id="room-about"></p></div>
    <label class="tool switch" title="Show what is stored, and what the room does not show of it"><input type="checkbox" id="raw" data-testid="raw-toggle">${icon('raw')}<span class="label">Raw</span></label>
    <button type="button" class="tool" id="open-stage" popovertarget="stage" data-testid="open-stage" title="Make things go wrong">${icon('stage')}<span class="label">Stage</span></button>
    <button type="button" class="tool" id="theme" data-testid="theme-toggle" aria-label="Light or dark" title="Light or dark">${icon('theme')}</button>
    <button type="button" class="tool only-medium" id="open-inside" data-testid="open-inside" aria-label="What happens inside">${icon('inside')}</button>
  </header>
  <p class="trouble" id="trouble" data-testid="trouble" hidden><span></span><button type="button" id="mend">Back to normal</button></p>
  <ol class="messages" id="messages" aria-live="polite" aria-label="Messages" tabindex="0"></ol>
  <div class="prompts" role="group" aria-label="Suggestions">
    <div class="prompt-row">${featured(suggestedPrompts).map((prompt, index) => promptButton(prompt, index, prompt.title))}</div>
    <button type="button" class="all-prompts" popovertarget="everything" data-testid="all-prompts">${icon('all')} All</button>
  </div>
  ${composer()}
</main>`;
}

function composer() {
  return html`<form class="composer" id="composer">
    <ul class="completion" id="completion" role="listbox" aria-label="People and bots" hidden></ul>
    <p class="quoting" id="quoting" hidden><span></span><button type="button" class="tool" id="unquote" aria-label="Do not quote">${icon('close')}</button></p>
    <ul class="pending" id="pending" aria-label="Files to be sent" hidden></ul>
    <div class="field">
      <label class="tool attach" title="Attach files">${icon('attach')}<input type="file" id="files" multiple aria-label="Attach files" data-testid="files"></label>
      <textarea id="text" data-testid="composer" rows="1" placeholder="Write a message" aria-label="Message" autocomplete="off" role="combobox" aria-controls="completion" aria-expanded="false" aria-autocomplete="list"></textarea>
      <button class="send" data-testid="send" aria-label="Send" title="Send (Enter)">${icon('send')}</button>
    </div>
  </form>`;
}

function promptButton({ text, shows, meanwhile }: SuggestedPrompt, index: number, label: string) {
  return html`<button type="button" data-prompt="${text}" data-meanwhile="${meanwhile ? JSON.stringify(meanwhile) : ''}" data-testid="prompt-${index}" title="“${text}” — ${shows}">${label}</button>`;
}

function featured(prompts: readonly SuggestedPrompt[]): SuggestedPrompt[] {
  return prompts
    .filter((prompt) => prompt.featured !== undefined)
    .sort((a, b) => (a.featured ?? 0) - (b.featured ?? 0));
}

/** All that can be said, by headings, with what each shows. */
function everythingPanel({ suggestedPrompts, hasService }: PageOptions) {
  const groups = Map.groupBy(suggestedPrompts, ({ group }) => group);
  const order = ['First', 'Files', 'Looks', 'Long', 'Trouble'];
  const inOrder = [...groups].sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
  return html`<section class="everything" id="everything" popover aria-label="Everything to try">
  <h2>Everything to try</h2>
  <p>${hasService ? 'The scripted model goes by words in the newest message: choose one to send it, or put it into a sentence of your own.' : 'Choose one to send it.'}</p>
  <div class="groups">${inOrder.map(
    ([group, prompts]) =>
      html`<div><h3>${group}</h3><ul>${prompts.map(
        (prompt) =>
          html`<li>${promptButton(prompt, suggestedPrompts.indexOf(prompt) + 100, prompt.text)}<span>${prompt.shows}</span></li>`,
      )}</ul></div>`,
  )}</div>
  <h3>Keys</h3>
  <p class="keys"><kbd>/</kbd> write <kbd>@</kbd> mention <kbd>Enter</kbd> send <kbd>Shift</kbd> <kbd>Enter</kbd> new line <kbd>↑</kbd> change your last message <kbd>Alt</kbd> <kbd>↑</kbd> <kbd>↓</kbd> other room <kbd>Esc</kbd> close</p>
</section>`;
}

/** What the colours of a turn's bar mean. */
const legend = raw(
  `<span class="legend">${['waiting', 'opening', 'working', 'posting'].map((span) => `<span><i class="${span}"></i>${span}</span>`).join('')}</span>`,
);

function insideColumn(hasService: boolean) {
  const title = hasService ? 'Inside the service' : 'Inside Campfire';
  return html`<aside class="inside" id="inside" aria-label="${title}">
  <header><h2>${title}</h2><p id="machine" class="machine"></p><button type="button" class="tool only-medium" id="close-inside" aria-label="Back to the conversation">${icon('close')}</button></header>
  <section ${hasService ? '' : raw('hidden')}><h3>Sessions</h3><div id="sessions" class="sessions" data-testid="sessions"></div></section>
  <section><h3>${hasService ? 'Turns' : 'Webhooks'}${hasService ? legend : ''}</h3><ol class="trace" id="trace" data-testid="trace"></ol></section>
  <section id="news-section" hidden><h3>${hasService ? 'The service itself' : 'Calls of the bot API'}</h3><ol class="news" id="news" data-testid="news"></ol></section>
  <section id="pushes-section"><h3>Telephones</h3><ol class="pushes" id="pushes" data-testid="pushes"></ol></section>
</aside>`;
}
