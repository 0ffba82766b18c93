import { raw } from 'hono/html';

/** Line icons on a 20 × 20 grid, drawn with the text's colour; used by `<svg><use href="#icon-…">`. */
const paths: Readonly<Record<string, string>> = {
  menu: 'M3.5 6h13M3.5 10h13M3.5 14h13',
  inside: 'M2.5 10h3l2.2-5.5 4.4 11L14.4 10h3.1',
  theme: 'M10 3.2a6.8 6.8 0 1 0 0 13.6zM10 3.2a6.8 6.8 0 0 1 0 13.6',
  raw: 'M7 6 3 10l4 4M13 6l4 4-4 4',
  stage: 'M4 5.5h6.5M14.5 5.5H16M12.5 3.5v4M4 10h1.5M9.5 10H16M7.5 8v4M4 14.5h6.5M14.5 14.5H16M12.5 12.5v4',
  boost:
    'M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM7.2 11.6c.6 1.2 1.6 1.8 2.8 1.8s2.2-.6 2.8-1.8M7.6 8.2v.1M12.4 8.2v.1',
  edit: 'M4 16l.8-3.4 8.6-8.6 2.6 2.6-8.6 8.6zM11.8 5.6l2.6 2.6',
  delete: 'M4.5 6h11M8 6V4h4v2M6 6l.7 10h6.6L14 6',
  reply: 'M8 5 3.5 9.5 8 14M3.5 9.5H12a4.5 4.5 0 0 1 4.5 4.5v1.5',
  attach: 'M15.5 9.5 10 15a3.5 3.5 0 0 1-5-5l6-6a2.4 2.4 0 0 1 3.4 3.4l-6 6A1.2 1.2 0 0 1 6.7 11.7l5-5',
  send: 'M10 16V4.5M5 9.2l5-5 5 5',
  close: 'M5.5 5.5l9 9M14.5 5.5l-9 9',
  all: 'M4.5 4.5h4v4h-4zM11.5 4.5h4v4h-4zM4.5 11.5h4v4h-4zM11.5 11.5h4v4h-4z',
  file: 'M5.5 3h6l3.5 3.5V17h-9.5zM11.5 3v3.5H15',
};

const symbols = Object.entries(paths).map(
  ([name, path]) =>
    `<symbol id="icon-${name}" viewBox="0 0 20 20" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round"><path d="${path}"/></symbol>`,
);

/** Every icon once, invisible, at the page's beginning. */
export const iconSheet = raw(`<svg class="icon-sheet" aria-hidden="true">${symbols.join('')}</svg>`);

export function icon(name: keyof typeof paths) {
  return raw(`<svg class="icon" aria-hidden="true"><use href="#icon-${name}"/></svg>`);
}
