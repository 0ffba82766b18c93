import { createCharts } from './charts.js';
import { createPage, listen } from './live.js';
import { keepTimes, setTime, writeTimes } from './times.js';

const data = JSON.parse(document.getElementById('data').textContent);
const csrf = document.querySelector('meta[name="csrf-token"]').content;
const find = document.getElementById('find');
const tabs = [...document.querySelectorAll('[role="tab"]')];

setTime(data.at);
writeTimes(document);
keepTimes();

function shown() {
  return tabs.find((tab) => tab.getAttribute('aria-selected') === 'true')?.dataset.tab;
}

/** Words of the filter that a row must have, all of them, wherever they stand. */
function filter(name) {
  const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
  const body = document.querySelector(`[data-table="${name}"]`);
  let left = 0;
  for (const row of body.children) {
    const text = words.length === 0 ? '' : row.textContent.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
    if (!row.hidden) left++;
  }
  const nothing = document.querySelector(`#panel-${name} .nothing-found`);
  nothing.hidden = left > 0 || body.children.length === 0;
}

function show(name) {
  for (const tab of tabs) {
    const isIt = tab.dataset.tab === name;
    tab.setAttribute('aria-selected', String(isIt));
    tab.tabIndex = isIt ? 0 : -1;
    document.getElementById(`panel-${tab.dataset.tab}`).hidden = !isIt;
  }
  filter(name);
}

const fromAddress = () => tabs.find((tab) => `#${tab.dataset.tab}` === location.hash)?.dataset.tab;
show(fromAddress() ?? 'turns');
addEventListener('hashchange', () => show(fromAddress() ?? 'turns'));
for (const tab of tabs) {
  tab.addEventListener('click', () => {
    history.replaceState(null, '', `#${tab.dataset.tab}`);
    show(tab.dataset.tab);
  });
  tab.addEventListener('keydown', ({ key }) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
    if (!step) return;
    const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
    next.focus();
    next.click();
  });
}
find.addEventListener('input', () => filter(shown()));
addEventListener('keydown', (event) => {
  if (event.key !== '/' || event.target.closest('input, textarea')) return;
  event.preventDefault();
  find.focus();
});

const page = createPage({ prepare: writeTimes, changed: (name) => name === shown() && filter(name) });
const charts = createCharts(data);

const states = { live: 'live', away: 'no connection', out: 'signed out' };
const live = document.getElementById('live');
listen(data.version, {
  hear(change) {
    if ((change.several ?? data.several) !== data.several) return location.reload();
    page.apply(change);
    charts.apply(change);
  },
  tell(state) {
    if (state === 'out') location.assign('/console/sign-in');
    live.dataset.state = state;
    live.lastElementChild.textContent = states[state];
  },
});

const toast = document.getElementById('toast');
let toastEnds = 0;
function say(words) {
  toast.textContent = words;
  clearTimeout(toastEnds);
  toastEnds = setTimeout(() => {
    toast.textContent = '';
  }, 5000);
}

/** Asks; resolves with whether the answer was yes. */
function confirmed({ title, text, yes }) {
  const dialog = document.getElementById('ask');
  document.getElementById('ask-title').textContent = title;
  document.getElementById('ask-text').textContent = text;
  document.getElementById('ask-yes').textContent = yes;
  dialog.returnValue = 'no';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true });
  });
}

async function send(method, path) {
  const answer = await fetch(path, { method, headers: { 'X-CSRF-Token': csrf } }).catch(() => null);
  if (answer === null) return 'The service does not answer.';
  if (answer.ok) return null;
  if (answer.status === 401) return 'Your sign-in has ended. Load the page again.';
  const { error } = await answer.json().catch(() => ({}));
  return error ?? `It answered ${answer.status}.`;
}

const deeds = {
  close: ({ id, busy }) => ({
    question: {
      title: `Close the session of ${id}?`,
      text:
        busy === 'true'
          ? 'It is at work: its turn is stopped, and the room is told so. The conversation keeps its memory.'
          : 'The conversation keeps its memory; its next turn starts a session again.',
      yes: 'Close it',
    },
    method: 'DELETE',
    path: `/api/sessions/${encodeURIComponent(id)}`,
    done: `The session of ${id} is closed.`,
  }),
  revoke: ({ id }) => ({
    question: {
      title: 'End this link?',
      text: 'Whoever has it cannot open the file any more.',
      yes: 'End it',
    },
    method: 'DELETE',
    path: `/api/downloads/${encodeURIComponent(id)}`,
    done: 'The link has ended.',
  }),
  replay: ({ id }) => ({
    question: {
      title: 'Answer it again?',
      text: 'The messages of this turn get another one, as if they had just been written. Its cost counts again.',
      yes: 'Answer it',
    },
    method: 'POST',
    path: `/api/turns/${encodeURIComponent(id)}/replay`,
    done: 'Its messages wait for another turn.',
  }),
  reload: () => ({ method: 'POST', path: '/api/bots/reload', done: 'The bot files were read.' }),
};

document.addEventListener('click', async ({ target }) => {
  const button = target.closest('button[data-do]');
  if (!button) return;
  const { question, method, path, done } = deeds[button.dataset.do](button.dataset);
  if (question && !(await confirmed(question))) return;
  button.disabled = true;
  const problem = await send(method, path);
  button.disabled = false;
  say(problem ?? done);
});

document.getElementById('sign-out').addEventListener('click', async () => {
  await send('POST', '/console/sign-out');
  location.assign('/console/sign-in');
});
