/** Puts what the service sends into the page: finished HTML, piece by piece, and numbers for the charts. */

const template = document.createElement('template');

function elementOf(html) {
  template.innerHTML = html.trim();
  return template.content.firstElementChild;
}

/** `changed` is called with the table's name after its rows were put in; `prepare` with each new element before. */
export function createPage({ prepare, changed }) {
  const tables = new Map(
    [...document.querySelectorAll('[data-table]')].map((body) => [
      body.dataset.table,
      { body, rows: new Map([...body.children].map((row) => [row.dataset.key, row])) },
    ]),
  );

  const putPart = (name, html) => {
    for (const part of document.querySelectorAll(`[data-part="${name}"]`)) {
      part.innerHTML = html;
      prepare(part);
    }
  };

  const putRow = (table, key, html) => {
    const row = elementOf(html);
    prepare(row);
    const old = table.rows.get(key);
    table.rows.set(key, row);
    if (!old) return;
    const details = old.querySelector('details');
    if (details?.open) row.querySelector('details').open = true;
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    old.replaceWith(row);
    // What one was about to press is another element now.
    if (focused) row.querySelector(focused.localName)?.focus({ preventScroll: true });
  };

  const putOrder = ({ body, rows }, order) => {
    const wanted = new Set(order);
    for (const [key, row] of rows) {
      if (wanted.has(key)) continue;
      row.remove();
      rows.delete(key);
    }
    let place = body.firstElementChild;
    for (const key of order) {
      const row = rows.get(key);
      if (row === place) place = place.nextElementSibling;
      else body.insertBefore(row, place);
    }
  };

  return {
    apply(change) {
      for (const [name, html] of Object.entries(change.parts ?? {})) putPart(name, html);
      for (const [name, { rows, order }] of Object.entries(change.tables ?? {})) {
        const table = tables.get(name);
        // Machines have no table while there is one.
        if (!table) continue;
        for (const [key, html] of Object.entries(rows)) putRow(table, key, html);
        if (order) putOrder(table, order);
        changed(name);
      }
    },
  };
}

/**
 * Listens, and says how it stands: `live`, `away` while the service does not answer, `out` when it wants another sign-in.
 */
export function listen(version, { hear, tell }) {
  const source = new EventSource(`/console/live?version=${encodeURIComponent(version)}`);
  source.addEventListener('open', () => tell('live'));
  source.addEventListener('message', ({ data }) => hear(JSON.parse(data)));
  source.addEventListener('error', async () => {
    tell('away');
    // An answer that is no stream ends an EventSource for good; it says nothing of why.
    if (source.readyState !== EventSource.CLOSED) return;
    const answer = await fetch('/console/live', { method: 'HEAD' }).catch(() => null);
    if (answer?.status === 401) return tell('out');
    setTimeout(() => listen('', { hear, tell }), 3000);
  });
}
