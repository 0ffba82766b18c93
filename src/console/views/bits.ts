import { html, raw } from 'hono/html';

/** A piece of a page, escaped. */
export type Html = ReturnType<typeof html>;

/** The finished text; nothing in these views waits for anything. */
export function textOf(piece: Html): string {
  return String(piece);
}

/**
 * A moment. What is written here is UTC; the page's script makes it the reader's clock time, or how long ago it is
 * (`since`) or how long until then (`until`), and counts on: so the row stays the same text for as long as it is true.
 */
export function moment(at: number, as: 'clock' | 'since' | 'until'): Html {
  const iso = new Date(at).toISOString();
  return html`<time datetime="${iso}" data-as="${as}">${iso.slice(11, 19)}</time>`;
}

/** A coloured dot before a word that says the same. */
export function dot(tone: string): Html {
  return html`<i class="dot ${tone}"></i>`;
}

export const nothing: Html = raw('');

/** Stands where there is no value. */
export const dash: Html = raw('<span class="none">–</span>');

/** A conversation: the room as people call it, and whose session it is. */
export function conversation(id: string, room: string | null): Html {
  const [roomId = '', ...rest] = id.split(':');
  const bot = rest.join(':');
  return html`<span class="who" title="${id}"><b>${room ?? `Room ${roomId}`}</b><span>${bot}</span></span>`;
}

/** Only where there are several. */
export function machineCell(machine: string | undefined, several: boolean): Html {
  return several ? html`<td class="machine">${machine ?? ''}</td>` : nothing;
}
