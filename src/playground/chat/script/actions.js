import { act } from './api.js';
import { button, byId, icon, make } from './dom.js';

/** What one can do to a message: boost, quote, edit, delete. */

const emoji = ['👍', '👏', '❤️', '😂', '🎉', '👀', '🔥', '✅'];
/** The column of Campfire's database holds so many characters. */
const boostMax = 16;

export function actionsOf(model, message, node, mine) {
  const tools = make('div', 'actions');
  tools.append(
    button('tool', 'Boost', (event) => openPicker(model, message, event.currentTarget), icon('boost')),
  );
  tools.append(button('tool', 'Quote it in a reply', () => model.quote(message), icon('reply')));
  if (mine && message.html !== null) {
    tools.append(button('tool', 'Edit', () => edit(model, message, node), icon('edit')));
  }
  if (mine) {
    const remove = () => act('DELETE', `/messages/${message.id}?personId=${model.personId}`);
    tools.append(button('tool', 'Delete', remove, icon('delete')));
  }
  return tools;
}

/** Changes a message where it stands: Enter saves, Esc leaves it as it was. */
export function edit(model, message, node) {
  const bubble = node.querySelector('.bubble');
  if (!bubble || node.dataset.editing !== undefined) return;
  const before = [...bubble.childNodes];
  const field = make('textarea', 'editing');
  Object.assign(field, { value: message.plain, ariaLabel: 'Edit your message' });
  field.dataset.testid = 'edit';
  const resize = () => {
    field.style.height = 'auto';
    field.style.height = `${field.scrollHeight}px`;
  };
  const end = () => {
    delete node.dataset.editing;
    bubble.replaceChildren(...before);
    byId('text').focus();
  };
  field.oninput = resize;
  field.onkeydown = async (event) => {
    event.stopPropagation();
    if (event.key === 'Escape') end();
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    const text = field.value.trim();
    end();
    if (text === '' || text === message.plain) return;
    const bots = model.state.bots.filter(({ name }) => text.includes(`@${name}`)).map(({ id }) => id);
    await act('PATCH', `/messages/${message.id}`, { personId: model.personId, text, mentions: bots });
  };
  node.dataset.editing = '';
  bubble.replaceChildren(field, make('p', 'hint', 'Enter saves · Esc leaves it · an edit calls no bot'));
  resize();
  field.focus();
}

function openPicker(model, message, anchor) {
  const picker = byId('picker');
  const send = (content) => {
    picker.hidePopover();
    return act('POST', `/messages/${message.id}/boosts`, { personId: model.personId, content });
  };
  const own = make('input');
  Object.assign(own, { maxLength: boostMax, placeholder: 'or your own', ariaLabel: 'Your own boost' });
  own.onkeydown = (event) => {
    event.stopPropagation();
    if (event.key === 'Enter' && own.value.trim()) void send(own.value.trim());
    if (event.key === 'Escape') picker.hidePopover();
  };
  picker.replaceChildren(
    ...emoji.map((each) => button('', `Boost with ${each}`, () => send(each), each)),
    own,
  );
  picker.showPopover();
  const { top, right } = anchor.getBoundingClientRect();
  const { width, height } = picker.getBoundingClientRect();
  picker.style.left = `${Math.max(8, Math.min(right - width, innerWidth - width - 8))}px`;
  picker.style.top = `${top - height - 6 > 8 ? top - height - 6 : top + 36}px`;
  picker.firstElementChild.focus();
}
