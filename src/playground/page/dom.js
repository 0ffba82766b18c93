const svgNamespace = 'http://www.w3.org/2000/svg';

export const byId = (id) => document.getElementById(id);

/** An element: `make('li', { class: 'x', data: { testid: 'y' }, title: 'z' }, 'text', child)`. */
export function make(tag, options = {}, ...children) {
  const { class: className = '', data = {}, ...properties } = options;
  const node = document.createElement(tag);
  if (className) node.className = className;
  Object.assign(node.dataset, data);
  Object.assign(node, properties);
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

export function button(options, ...children) {
  return make('button', { type: 'button', ...options }, ...children);
}

/** A drawing of the page's sprite. */
export function icon(name) {
  const svg = document.createElementNS(svgNamespace, 'svg');
  svg.classList.add('icon');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(svgNamespace, 'use');
  use.setAttribute('href', `#i-${name}`);
  svg.append(use);
  return svg;
}

export function iconButton(name, label, onclick) {
  return button({ class: 'icon-button', title: label, ariaLabel: label, onclick }, icon(name));
}

/** Initials on the person's own colour; bots have corners. */
export function avatar(user) {
  const node = make('span', { ariaHidden: 'true' });
  paintAvatar(node, user);
  return node;
}

export function paintAvatar(node, user) {
  const words = (user?.name ?? '?').split(/\s+/).filter(Boolean);
  node.className = user?.role === 'person' ? 'avatar' : 'avatar bot';
  node.dataset.hue = String((user?.id ?? 0) % 6);
  node.textContent = words
    .slice(0, 2)
    .map((word) => [...word][0].toUpperCase())
    .join('');
}

/** `0.4 ms`, `412 ms`, `1.2 s`, `2:05 min`. */
export function duration(ms) {
  if (ms < 10) return `${Math.round(ms * 10) / 10} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${countdown(ms / 1000)} min`;
}

export function countdown(seconds) {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;
}

export function fileSize(bytes) {
  return bytes < 1_000_000
    ? `${Math.max(1, Math.round(bytes / 1000))} KB`
    : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** Puts `nodes` into `parent` in this order and moves only what stands elsewhere. */
export function arrange(parent, nodes) {
  nodes.forEach((node, index) => {
    if (parent.children[index] !== node) parent.insertBefore(node, parent.children[index] ?? null);
  });
  while (parent.children.length > nodes.length) parent.lastElementChild.remove();
}
