import { act, toast } from './api.js';
import { byId } from './dom.js';
import { roomOf } from './rooms.js';

/** The stage: which Campfire, what goes wrong, and the way back to normal. */

export function startStage(model) {
  for (const input of document.querySelectorAll('[name=face]')) {
    input.onchange = () => act('PUT', '/face', { face: input.value });
  }
  for (const input of document.querySelectorAll('[data-fault]')) {
    const { fault, on } = input.dataset;
    input.onchange = () =>
      act('PATCH', '/faults', { [fault]: input.checked ? onValue(on) : offOf(model, fault) });
  }
  byId('mend').onclick = () => mend(model);
  byId('storm').onclick = () => {
    byId('stage').hidePopover();
    return storm(model);
  };
  byId('rotate').onclick = async () => {
    for (const { id, hasNewKey } of model.state.bots) {
      await act(hasNewKey ? 'DELETE' : 'POST', `/bots/${id}/key`, hasNewKey ? undefined : {});
    }
  };
  byId('restart').onclick = async () => {
    const lost = (await act('POST', '/restart'))?.lostWebhooks;
    if (lost !== undefined)
      toast(lost === 0 ? 'Restarted: no webhook was waiting.' : `Restarted: ${lost} webhooks are lost.`);
  };
}

/** Switches as they are, and a line above the room as long as anything is not normal. */
export function showStage({ state }) {
  for (const input of document.querySelectorAll('[name=face]')) input.checked = input.value === state.face;
  const wrong = [];
  for (const input of document.querySelectorAll('[data-fault]')) {
    input.checked = Boolean(state.faults[input.dataset.fault]);
    if (input.checked) wrong.push(input.parentElement.querySelector('b').textContent);
  }
  const rotated = state.bots.some(({ hasNewKey }) => hasNewKey);
  if (rotated) wrong.push('The bot has a new key');
  byId('rotate').textContent = rotated ? 'Give the bot its old key back' : 'Give the bot a new key';
  byId('trouble').hidden = wrong.length === 0;
  byId('trouble').firstElementChild.textContent = wrong.join(' · ');
  byId('open-stage').classList.toggle('on', wrong.length > 0);
  document.body.dataset.face = state.face;
}

function onValue(on) {
  const value = JSON.parse(on);
  return value === 'https' ? `https://${location.host}` : value;
}

/** A fault's healthy value has the type of the present one: false, 0 or null. */
function offOf({ state }, fault) {
  return { boolean: false, number: 0 }[typeof state.faults[fault]] ?? null;
}

async function mend(model) {
  await act('DELETE', '/faults');
  for (const { id, hasNewKey } of model.state.bots) if (hasNewKey) await act('DELETE', `/bots/${id}/key`);
}

/** Everybody in the room writes; in a room where a mention is needed, each message mentions the bot. */
function storm(model) {
  const room = roomOf(model);
  const bot = model.state.bots.find(({ id }) => room.memberIds.includes(id));
  const called = room.kind === 'direct' || !bot ? 'storm {n}' : `@${bot.name} storm {n}`;
  const people = model.state.people.map(({ id }) => id).filter((id) => room.memberIds.includes(id));
  const mentions = bot && room.kind !== 'direct' ? [bot.id] : [];
  return act('POST', '/storm', {
    roomId: room.id,
    personIds: people,
    perSecond: 100,
    seconds: 1,
    text: called,
    mentions,
  });
}
