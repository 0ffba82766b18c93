import { edit } from './actions.js';
import { act } from './api.js';
import { createCompletion } from './completion.js';
import { button, byId, icon, make, sizeOf } from './dom.js';
import { roomOf, userOf } from './rooms.js';

/** Writing: text, mentions, a quoted message, files; and the suggestions, which write by themselves. */

const rowsMax = 8;

export function startComposer(model) {
  const field = byId('text');
  const completion = createCompletion(model, field);
  let files = [];
  let quoted = null;

  const resize = () => {
    field.style.height = 'auto';
    field.style.height = `${Math.min(field.scrollHeight, rowsMax * 24)}px`;
  };
  const showQuoted = () => {
    const line = byId('quoting');
    line.hidden = quoted === null;
    const author = quoted && userOf(model, quoted.creatorId)?.name;
    line.firstElementChild.textContent = quoted ? `${author}: ${quoted.plain.slice(0, 120)}` : '';
  };
  const showFiles = () => {
    const list = byId('pending');
    list.hidden = files.length === 0;
    list.replaceChildren(
      ...files.map((file) => {
        const drop = () => {
          files = files.filter((each) => each !== file);
          showFiles();
        };
        const item = make(
          'li',
          '',
          icon('file'),
          make('span', 'name', file.name),
          make('small', '', sizeOf(file.size)),
        );
        item.append(button('tool', `Leave ${file.name} out`, drop, icon('close')));
        return item;
      }),
    );
  };
  const addFiles = (added) => {
    files.push(...added);
    showFiles();
    field.focus();
  };
  model.quote = (message) => {
    quoted = message;
    showQuoted();
    field.focus();
  };

  byId('composer').onsubmit = (event) => {
    event.preventDefault();
    const text = field.value;
    const mentions = completion.takePicked(text);
    const replyTo = quoted?.id;
    const sent = files;
    field.value = '';
    files = [];
    quoted = null;
    resize();
    showFiles();
    showQuoted();
    // As Campfire's composer does it: files and text start together, and nobody waits for the other.
    if (sent.length > 0) void sendFiles(model, sent);
    if (text.trim() !== '') void say(model, text, mentions, replyTo);
  };
  field.oninput = () => {
    completion.show();
    resize();
  };
  field.onkeydown = (event) => {
    if (completion.takes(event)) return;
    if (event.key === 'ArrowUp' && field.value === '') editLast(model, event);
    if (event.key === 'Escape' && quoted) byId('unquote').click();
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    byId('composer').requestSubmit();
  };
  byId('unquote').onclick = () => {
    quoted = null;
    showQuoted();
  };
  startFiles(addFiles);
  for (const prompt of document.querySelectorAll('[data-prompt]')) {
    prompt.onclick = () => {
      byId('everything').hidePopover();
      return suggest(model, prompt.dataset);
    };
  }
}

function startFiles(add) {
  const input = byId('files');
  input.onchange = () => {
    add([...input.files]);
    input.value = '';
  };
  byId('text').onpaste = (event) => {
    if (event.clipboardData.files.length === 0) return;
    event.preventDefault();
    add([...event.clipboardData.files]);
  };
  const room = document.querySelector('.room');
  room.ondragover = (event) => {
    event.preventDefault();
    room.classList.add('dropping');
  };
  room.ondragleave = () => room.classList.remove('dropping');
  room.ondrop = (event) => {
    event.preventDefault();
    room.classList.remove('dropping');
    add([...event.dataTransfer.files]);
  };
}

function say(model, text, mentions, replyTo) {
  if (model.roomId === null) return undefined;
  const message = { personId: model.personId, text, mentions, ...(replyTo ? { replyTo } : {}) };
  return act('POST', `/rooms/${model.roomId}/messages`, message);
}

function sendFiles(model, files) {
  const form = new FormData();
  for (const file of files) form.append('file', file);
  return act('POST', `/rooms/${model.roomId}/files?personId=${model.personId}`, form);
}

/** Sends a suggestion to the room's bot; some of them act once more while the agent works. */
async function suggest(model, { prompt, meanwhile }) {
  const room = roomOf(model);
  const bot = model.state.bots.find(({ id }) => room?.memberIds.includes(id)) ?? model.state.bots[0];
  const call = (text) =>
    room?.kind === 'direct' || !bot ? say(model, text, []) : say(model, `@${bot.name} ${text}`, [bot.id]);
  byId('messages').scrollTop = byId('messages').scrollHeight;
  const sent = await call(prompt);
  if (!meanwhile || !sent || !model.inside) return;
  const { act: what, text, afterSeconds } = JSON.parse(meanwhile);
  const turn = await model.inside.atWork(sent.message.id);
  await new Promise((resolve) => setTimeout(resolve, afterSeconds * 1000));
  if (what === 'kill') await act('POST', `/service/sessions/${turn.session}/kill`);
  else await call(text);
}

function editLast(model, event) {
  const own = model.state.messages.findLast(
    ({ roomId, creatorId, html }) => roomId === model.roomId && creatorId === model.personId && html !== null,
  );
  const node = own && document.querySelector(`[data-testid="message-${own.id}"]`);
  if (!node) return;
  event.preventDefault();
  edit(model, own, node);
}
