import { byId, fill, make, timeOfDay } from './dom.js';

/** What Campfire pushes to the telephones of people who are not looking. */

const shown = 4;
const nodes = new Map();

export function showPushes({ state }) {
  const pushes = state.pushes.slice(-shown).reverse();
  byId('pushes-section').hidden = pushes.length === 0;
  for (const id of nodes.keys()) if (!pushes.some((push) => push.id === id)) nodes.delete(id);
  fill(
    byId('pushes'),
    pushes.map((push) => {
      const node = nodes.get(push.id) ?? pushNode(state, push);
      nodes.set(push.id, node);
      return node;
    }),
  );
}

function pushNode({ people }, { personId, title, body, at }) {
  const to = people.find(({ id }) => id === personId)?.name ?? '?';
  const mark = make('img');
  Object.assign(mark, { src: '/playground/assets/mark.svg', alt: '', width: 28, height: 28 });
  const node = make(
    'li',
    '',
    mark,
    make('strong', '', title),
    make('span', 'to', `${to} · ${timeOfDay(at)}`),
  );
  node.append(make('p', '', body));
  return node;
}
