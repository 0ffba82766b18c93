import { request } from './api.js';
import { userOf } from './rooms.js';

/** Writing: Enter sends, Shift+Enter breaks the line, @ completes, Esc closes. */

export function startComposer(model) {
  const form = document.getElementById('composer');
  const field = document.getElementById('text');
  const menu = document.getElementById('completion');
  /** Ids of those who were picked from the menu: only these are mentioned. */
  let picked = new Set();
  let chosen = 0;

  const room = () => model.state?.rooms.find(({ id }) => id === model.roomId);
  const candidates = () => {
    const typed = /(?:^|\s)@([^\s@]*)$/u.exec(field.value.slice(0, field.selectionStart))?.[1];
    if (typed === undefined || !room()) return [];
    const members = room()
      .memberIds.map((id) => userOf(model, id))
      .filter(Boolean);
    return members.filter(
      ({ id, name }) => id !== model.personId && name.toLowerCase().startsWith(typed.toLowerCase()),
    );
  };

  const showMenu = () => {
    const users = candidates();
    menu.hidden = users.length === 0;
    chosen = Math.min(chosen, Math.max(0, users.length - 1));
    menu.replaceChildren(
      ...users.map(({ id, name }, index) => {
        const item = document.createElement('li');
        item.role = 'option';
        item.ariaSelected = String(index === chosen);
        item.textContent = name;
        item.dataset.testid = `complete-${id}`;
        item.onmousedown = (event) => {
          event.preventDefault();
          pick(index);
        };
        return item;
      }),
    );
  };

  const pick = (index) => {
    const user = candidates()[index];
    if (!user) return;
    const before = field.value.slice(0, field.selectionStart).replace(/@[^\s@]*$/u, `@${user.name} `);
    const after = field.value.slice(field.selectionStart);
    field.value = before + after;
    field.setSelectionRange(before.length, before.length);
    picked.add(user.id);
    showMenu();
    field.focus();
  };

  const send = async (text, mentions) => {
    if (text.trim() === '' || model.roomId === null) return;
    await request('POST', `/rooms/${model.roomId}/messages`, { personId: model.personId, text, mentions });
  };

  form.onsubmit = (event) => {
    event.preventDefault();
    const text = field.value;
    const mentions = [...picked].filter((id) => text.includes(`@${userOf(model, id)?.name}`));
    field.value = '';
    picked = new Set();
    showMenu();
    resize(field);
    return send(text, mentions);
  };
  field.oninput = () => {
    showMenu();
    resize(field);
  };
  field.onblur = () => {
    menu.hidden = true;
  };
  field.onkeydown = (event) => {
    const open = !menu.hidden;
    const count = menu.children.length;
    if (open && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
      event.preventDefault();
      chosen = (chosen + (event.key === 'ArrowDown' ? 1 : count - 1)) % count;
      showMenu();
    } else if (open && (event.key === 'Enter' || event.key === 'Tab')) {
      event.preventDefault();
      pick(chosen);
    } else if (event.key === 'Escape') {
      menu.hidden = true;
    } else if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  };

  for (const button of document.querySelectorAll('[data-prompt]')) {
    button.onclick = () => {
      const bot = model.state.bots.find(({ id }) => room()?.memberIds.includes(id)) ?? model.state.bots[0];
      const direct = room()?.kind === 'direct';
      return send(
        direct || !bot ? button.dataset.prompt : `@${bot.name} ${button.dataset.prompt}`,
        direct || !bot ? [] : [bot.id],
      );
    };
  }

  const files = document.getElementById('files');
  files.onchange = async () => {
    const form = new FormData();
    for (const file of files.files) form.append('file', file);
    files.value = '';
    await request('POST', `/rooms/${model.roomId}/files?personId=${model.personId}`, form);
  };
}

function resize(field) {
  field.rows = Math.min(8, field.value.split('\n').length);
}
