import { avatarOf, byId, make } from './dom.js';
import { roomOf, userOf } from './rooms.js';

/** The menu that opens at an @: arrows choose, Enter or Tab takes, Esc closes. Only who was picked is mentioned. */

const isBot = ({ hasWebhook }) => hasWebhook !== undefined;

export function createCompletion(model, field) {
  const menu = byId('completion');
  const picked = new Set();
  let chosen = 0;

  const candidates = () => {
    const typed = /(?:^|\s)@([^\s@]*)$/u.exec(field.value.slice(0, field.selectionStart))?.[1];
    const room = roomOf(model);
    if (typed === undefined || !room) return [];
    return room.memberIds
      .map((id) => userOf(model, id))
      .filter((user) => user && user.id !== model.personId)
      .filter(({ name }) => name.toLowerCase().startsWith(typed.toLowerCase()))
      .sort((a, b) => Number(isBot(b)) - Number(isBot(a)));
  };

  const close = () => {
    menu.hidden = true;
    field.ariaExpanded = 'false';
    field.removeAttribute('aria-activedescendant');
  };

  const show = () => {
    const users = candidates();
    if (users.length === 0) return close();
    chosen = Math.min(chosen, users.length - 1);
    menu.replaceChildren(
      ...users.map((user, index) => {
        const item = make('li', '', avatarOf(user, 'small'), make('span', 'name', user.name));
        item.append(make('span', 'role', isBot(user) ? 'bot' : user.role));
        Object.assign(item, {
          role: 'option',
          id: `option-${user.id}`,
          ariaSelected: String(index === chosen),
        });
        item.dataset.testid = `complete-${user.id}`;
        item.onmousedown = (event) => {
          event.preventDefault();
          pick(index);
        };
        return item;
      }),
    );
    menu.hidden = false;
    field.ariaExpanded = 'true';
    field.setAttribute('aria-activedescendant', `option-${users[chosen].id}`);
  };

  const pick = (index) => {
    const user = candidates()[index];
    if (!user) return;
    const before = field.value.slice(0, field.selectionStart).replace(/@[^\s@]*$/u, `@${user.name} `);
    field.value = before + field.value.slice(field.selectionStart);
    field.setSelectionRange(before.length, before.length);
    picked.add(user.id);
    close();
    field.focus();
  };

  field.addEventListener('blur', close);
  return {
    show,
    /** Whether the menu took the key. */
    takes(event) {
      if (menu.hidden) return false;
      const count = menu.children.length;
      if (event.key === 'ArrowDown') chosen = (chosen + 1) % count;
      else if (event.key === 'ArrowUp') chosen = (chosen + count - 1) % count;
      else if (event.key === 'Enter' || event.key === 'Tab') pick(chosen);
      else if (event.key === 'Escape') close();
      else return false;
      event.preventDefault();
      if (!menu.hidden) show();
      return true;
    },
    /** Ids of those who were picked and are still in the text; forgets them. */
    takePicked(text) {
      const mentions = [...picked].filter((id) => text.includes(`@${userOf(model, id)?.name}`));
      picked.clear();
      close();
      return mentions;
    },
  };
}
