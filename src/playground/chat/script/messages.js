import { actionsOf } from './actions.js';
import { act } from './api.js';
import { avatarOf, byId, duration, fill, icon, make, sizeOf, timeOfDay } from './dom.js';
import { userOf } from './rooms.js';

/** The conversation in the middle. A message is drawn anew only when something of it changed. */

const shownMax = 200;
const joinedWithinMs = 300_000;
const nodes = new Map();

export function showMessages(model) {
  const list = byId('messages');
  const messages = model.state.messages.filter(({ roomId }) => roomId === model.roomId).slice(-shownMax);
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  const sameView = list.dataset.view === `${model.roomId} ${model.personId}`;
  const shown = messages.map((message, index) => {
    const before = messages[index - 1];
    const joined =
      before?.creatorId === message.creatorId && message.createdAt - before.createdAt < joinedWithinMs;
    const version = JSON.stringify([message, joined, model.raw, model.personId]);
    const known = nodes.get(message.id);
    if (known && (known.dataset.version === version || known.dataset.editing !== undefined)) return known;
    const node = messageNode(model, message, joined, version);
    // What is already there does not fly in again: an edit is a change in place.
    if (known || !sameView) node.classList.add('settled');
    nodes.set(message.id, node);
    return node;
  });
  for (const id of nodes.keys()) if (!messages.some((message) => message.id === id)) nodes.delete(id);
  fill(list, shown.length > 0 ? shown : [emptyNode(model)]);
  list.dataset.view = `${model.roomId} ${model.personId}`;
  if (atEnd || !sameView) list.scrollTop = list.scrollHeight;
}

/** What became of each message of a person, beside its time. */
export function showFates(model) {
  for (const [id, node] of nodes) {
    const fate = node.querySelector('.fate');
    if (!fate) continue;
    const turn = model.inside?.turnOf(id);
    const { words, tone } = turn ? fateOf(turn) : undelivered(model, id);
    if (words === '') continue;
    if (fate.textContent !== words) fate.textContent = words;
    fate.dataset.tone = tone;
    fate.onclick = () => turn && model.inside.reveal(turn);
  }
}

const ways = { hot: 'live session', resumed: 'resumed', opened: 'new session', claimed: 'spare' };

/** A message of which the service never heard: what became of its webhook. */
function undelivered({ state }, messageId) {
  const delivery = state.deliveries.findLast((each) => each.messageId === messageId);
  if (!delivery?.effect || delivery.effect.kind === 'ignored') return { words: '', tone: '' };
  const posted = delivery.effect.kind === 'failed' ? '' : ', which Campfire posted';
  return { words: `its webhook got ${delivery.status ?? 'no answer'}${posted}`, tone: 'bad' };
}

function fateOf({ state, outcome, path, tookMs }) {
  if (state === 'accepted') return { words: 'accepted', tone: 'working' };
  if (state === 'waiting') return { words: 'waits', tone: 'wait' };
  if (state === 'running') return { words: 'working', tone: 'working' };
  const took = tookMs === null ? '' : ` in ${duration(tookMs)}`;
  const way = path ? ` · ${ways[path] ?? path}` : '';
  return { words: `${outcome}${took}${way}`, tone: outcome === 'answered' ? 'good' : 'bad' };
}

/** For a room where nobody has spoken, with a service behind the bot and without one that tells. */
const firstSteps = {
  true: [
    ['Mention the bot', 'Choose a suggestion below, or write @ and pick it.'],
    ['Watch inside', 'Beside the room, each message’s way: kept on disk, session opened, answered, posted.'],
    [
      'Let it go idle',
      'After SECONDS seconds its process is closed. Ask again: it comes back with its memory.',
    ],
  ],
  false: [
    ['Mention the bot', 'In a room write @ and pick it; in a direct conversation it hears every message.'],
    [
      'Watch its answers',
      'Beside the room, what it answered to each webhook and what Campfire made of that.',
    ],
    ['Make things go wrong', 'On the stage: an older Campfire, lost answers, webhooks that come twice.'],
  ],
};

function emptyNode(model) {
  const known = nodes.get('empty');
  if (known) return known;
  const steps = firstSteps[document.body.dataset.hasService];
  const list = make('ol', 'first-steps');
  for (const [title, text] of steps) {
    list.append(make('li', '', make('b', '', title), text.replace('SECONDS', model.sessionTtlSeconds)));
  }
  const node = make(
    'li',
    'empty',
    make('h3', '', `Ask @${model.state.bots[0]?.name ?? 'somebody'} something`),
    list,
  );
  nodes.set('empty', node);
  return node;
}

function messageNode(model, message, joined, version) {
  const author = userOf(model, message.creatorId);
  const mine = message.creatorId === model.personId;
  const isBot = model.state.bots.some(({ id }) => id === message.creatorId);
  const node = make('li', `message${mine ? ' mine' : ''}${joined ? ' joined' : ''}`);
  Object.assign(node.dataset, { testid: `message-${message.id}`, creator: message.creatorId, version });
  node.tabIndex = -1;
  const time = make('time', '', timeOfDay(message.createdAt));
  time.dateTime = new Date(message.createdAt).toISOString();
  const meta = make('div', 'meta', make('strong', '', author?.name ?? 'somebody'));
  if (isBot) meta.append(make('span', 'role', 'bot'));
  meta.append(time);
  const bubble = make('div', 'bubble', bodyOf(message));
  const content = make('div', 'content', meta, bubble);
  if (model.raw) content.append(rawOf(message));
  if (message.boosts.length > 0) content.append(boostsOf(model, message));
  if (calls(model, message)) {
    // Its place is kept from the beginning, so that nothing moves when the first word about it comes.
    const fate = make('button', 'fate');
    Object.assign(fate, { type: 'button', title: 'Show its way' });
    content.append(fate);
  }
  node.append(avatarOf(author), content, actionsOf(model, message, node, mine));
  return node;
}

/** Whether a service hears of the message: from a person, and to a bot by its mention or in a direct room. */
function calls({ state }, { creatorId, roomId, html, shown }) {
  if (document.body.dataset.hasService !== 'true') return false;
  if (!state.people.some(({ id }) => id === creatorId)) return false;
  const room = state.rooms.find(({ id }) => id === roomId);
  if (room?.kind === 'direct') return state.bots.some(({ id }) => room.memberIds.includes(id));
  return html !== null && state.bots.some(({ name }) => shown?.html.includes(`class="mention">${name}<`));
}

/** The sanitiser's output, which is what Campfire shows; the page's policy forbids scripts besides. */
function bodyOf(message) {
  const body = make('div', 'body');
  body.dataset.testid = 'body';
  if (message.attachment) {
    body.append(...attachmentOf(message.attachment));
  } else if (message.shown?.sound) {
    body.append(make('span', 'sound', `♪ ${message.shown.sound}`));
  } else {
    body.innerHTML = message.shown?.html ?? '';
    body.classList.toggle('emoji', Boolean(message.shown?.emojiOnly));
    for (const pre of body.querySelectorAll('pre')) {
      // So that columns of Chinese line up: one font for both scripts, where there is one.
      pre.classList.toggle(
        'wide-letters',
        /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}/u.test(pre.textContent),
      );
    }
    if (message.shown?.code.length) void colour(body, message.shown.code);
  }
  return body;
}

let highlighter = null;

async function loadHighlighter() {
  const part = async (name) => (await import(`./highlight/${name}.js`)).default;
  const languages = 'bash css diff go java javascript json python ruby rust sql xml'.split(' ');
  const [hljs, ...loaded] = await Promise.all(
    ['core', ...languages.map((name) => `languages/${name}`)].map(part),
  );
  for (const [index, name] of languages.entries()) hljs.registerLanguage(name, loaded[index]);
  return hljs;
}

/** Colours code as Campfire's page does: in the browser, and by the rules that the sanitiser found to hold. */
async function colour(body, blocks) {
  highlighter ??= loadHighlighter();
  const hljs = await highlighter;
  body.querySelectorAll('pre').forEach((pre, index) => {
    const { text, highlighting } = blocks[index] ?? { highlighting: 'none' };
    if (highlighting === 'none') return;
    const { value } =
      highlighting === 'guess' ? hljs.highlightAuto(text) : hljs.highlight(text, { language: highlighting });
    pre.innerHTML = value;
  });
}

function attachmentOf({ name, type, size, url }) {
  const link = make('a', 'file', icon('file'), make('span', '', name), make('small', '', sizeOf(size)));
  Object.assign(link, { href: url, download: name });
  if (!/^image\/(png|jpeg|gif|webp)$/.test(type)) return [link];
  const image = make('img', 'preview');
  Object.assign(image, { src: url, alt: name });
  return [image, link];
}

/** What is stored, what search and telephones get, and what the room does not show of it. Campfire marks no edit. */
function rawOf(message) {
  const part = (title, text, className = '') =>
    make('div', `raw-part ${className}`, make('h4', '', title), make('pre', 'raw', text));
  const box = make('div', 'raw-box');
  box.dataset.testid = 'raw';
  box.append(
    part(
      `Stored${message.editedAt ? `, edited ${timeOfDay(message.editedAt)}` : ''}`,
      message.html ?? `(no body: ${message.attachment?.type ?? 'nothing'})`,
    ),
  );
  box.append(part('In search and on telephones', message.plain));
  const lost = message.shown?.lost ?? [];
  if (lost.length > 0) {
    box.append(part('Lost here', lost.map(({ tag, text }) => `<${tag}> ${text}`).join('\n'), 'lost'));
  }
  return box;
}

function boostsOf(model, message) {
  const row = make('div', 'boosts');
  for (const { id, boosterId, content } of message.boosts) {
    const name = userOf(model, boosterId)?.name ?? '';
    const own = boosterId === model.personId;
    const boost = make('button', 'boost', avatarOf(userOf(model, boosterId), 'tiny'), content);
    Object.assign(boost, { type: 'button', title: own ? 'Take it back' : `from ${name}`, disabled: !own });
    boost.ariaLabel = `${content} from ${name}${own ? ', take it back' : ''}`;
    boost.onclick = () => act('DELETE', `/messages/${message.id}/boosts/${id}?personId=${model.personId}`);
    row.append(boost);
  }
  return row;
}
