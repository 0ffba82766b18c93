/** Small helpers: elements, icons, numbers as people read them. */

export const byId = (id) => document.getElementById(id);

export function make(tag, className = '', ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children);
  return node;
}

export function icon(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  use.setAttribute('href', `#icon-${name}`);
  svg.append(use);
  return svg;
}

export function button(className, label, run, ...children) {
  const node = make('button', className, ...children);
  Object.assign(node, { type: 'button', title: label, ariaLabel: label, onclick: run });
  return node;
}

/** A face: the first letter on a colour of their own; bots have a star, and corners. */
export function avatarOf(user, className = '') {
  const isBot = user?.hasWebhook !== undefined;
  const node = make('span', `avatar ${className}`, isBot ? '✦' : [...(user?.name ?? '?')][0]);
  node.ariaHidden = 'true';
  node.dataset.hue = String(((user?.id ?? 0) * 5) % 6);
  if (isBot) node.dataset.bot = '';
  return node;
}

/** `nodes` become the children of `parent`; those that are there already and in order are not touched. */
export function fill(parent, nodes) {
  nodes.forEach((node, index) => {
    if (parent.children[index] !== node) parent.insertBefore(node, parent.children[index] ?? null);
  });
  while (parent.children.length > nodes.length) parent.lastElementChild.remove();
}

export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function duration(ms) {
  if (ms < 10) return `${Math.round(ms * 10) / 10} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

export function clockTime(seconds) {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;
}

export function timeOfDay(at) {
  return new Date(at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
}

export function sizeOf(bytes) {
  if (bytes < 1024) return `${bytes} bytes`;
  return bytes < 1024 * 1024 ? `${Math.round(bytes / 1024)} KB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}
