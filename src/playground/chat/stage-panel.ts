import { html } from 'hono/html';
import { icon } from './icons.ts';

/** Each fault with its switch: its name in the API, the value that switches it on, and what it means. */
const campfireFaults = [
  ['down', true, 'Campfire is down', 'Connections of bots are dropped.'],
  ['slowMs', 5_000, 'Campfire is slow', 'Bots wait 5 s for each answer.'],
  ['badGateway', true, 'Its proxy answers 502', 'With a page, as while Campfire is being updated.'],
  ['tlsRedirectTo', 'https', 'It moved to https', 'Bots that call over http are redirected with 301.'],
  ['loseAnswers', true, 'Its answers get lost', 'A post arrives, but its poster never hears so.'],
  ['deleteUnderEdit', true, 'Messages go under an edit', 'Somebody deletes what a bot is about to edit.'],
  ['failProcessing', true, 'Thumbnails fail', 'A file is stored, and its poster gets a 500.'],
] as const;
const webhookFaults = [
  ['outOfOrder', true, 'Webhooks overtake each other', 'A later message arrives first.'],
  ['duplicates', 1, 'Webhooks come twice', 'As behind a proxy that repeats requests.'],
  ['webhookBadGateway', true, 'The bot’s proxy answers 502', 'Campfire posts its page as a file.'],
] as const;

type Fault = (typeof campfireFaults)[number] | (typeof webhookFaults)[number];

function faultSwitch([name, on, title, meaning]: Fault) {
  return html`<label class="fault"><input type="checkbox" data-fault="${name}" data-on="${JSON.stringify(on)}" data-testid="fault-${name}"><span><b>${title}</b>${meaning}</span></label>`;
}

/** Where the one who directs the play makes things go wrong. */
export function stagePanel() {
  return html`<section class="stage" id="stage" popover aria-label="Stage" data-testid="stage">
  <header><h2>Stage</h2><button type="button" class="tool" popovertarget="stage" popovertargetaction="hide" aria-label="Close">${icon('close')}</button></header>
  <fieldset class="faces" data-testid="faces"><legend>Which Campfire</legend>
    <label><input type="radio" name="face" value="full" data-testid="face-full"><span><b>Main branch</b>Bots read, edit, delete, boost.</span></label>
    <label><input type="radio" name="face" value="v1.4.9" data-testid="face-v1.4.9"><span><b>v1.4.9</b>Bots only post: most installations.</span></label>
  </fieldset>
  <div class="columns">
    <fieldset><legend>What goes wrong with it</legend>${campfireFaults.map(faultSwitch)}</fieldset>
    <fieldset><legend>On the way to the bot</legend>${webhookFaults.map(faultSwitch)}
      <h3>At once</h3>
      <div class="acts">
        <button type="button" id="storm" data-testid="storm">A storm: 100 messages in a second</button>
        <button type="button" id="rotate" data-testid="rotate">Give the bot a new key</button>
        <button type="button" id="restart" data-testid="restart">Restart Campfire’s queue</button>
      </div>
    </fieldset>
  </div>
</section>`;
}
