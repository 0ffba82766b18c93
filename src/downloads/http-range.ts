/** Which part of a file a request gets, by RFC 9110 §13 and §14. Decided purely, from headers and size. */

export type FileAnswer =
  | { status: 200; start: 0; length: number }
  /** `start` and `length` in bytes; never empty. */
  | { status: 206; start: number; length: number }
  /** The client has it already. */
  | { status: 304 }
  | { status: 412 }
  | { status: 416 };

export interface FileQuestion {
  method: 'GET' | 'HEAD';
  /** By lower-case name. */
  header(name: string): string | undefined;
  size: number;
  /** Strong, with its quotes. */
  etag: string;
}

export function decideFileAnswer({ method, header, size, etag }: FileQuestion): FileAnswer {
  const wanted = header('if-match');
  if (wanted !== undefined && !lists(wanted, etag)) return { status: 412 };
  const known = header('if-none-match');
  // A weak comparison: a proxy may have weakened it.
  if (known !== undefined && lists(known.replaceAll('W/', ''), etag)) return { status: 304 };
  const whole = { status: 200, start: 0, length: size } as const;
  const range = header('range');
  if (method === 'HEAD' || range === undefined) return whole;
  // With a date, too: the files have none, so it matches nothing.
  if ((header('if-range') ?? etag) !== etag) return whole;
  return partOf(range, size) ?? whole;
}

function lists(tags: string, etag: string): boolean {
  return tags.split(',').some((tag) => ['*', etag].includes(tag.trim()));
}

/** Null for what may be ignored: other units, nonsense, and several ranges, which no downloader needs. */
function partOf(range: string, size: number): FileAnswer | null {
  const match = /^bytes=[ \t]*(\d{0,15})-(\d{0,15})[ \t]*$/i.exec(range);
  const [, first = '', last = ''] = match ?? [];
  if (!match || (first === '' && last === '')) return null;
  if (first !== '' && last !== '' && Number(last) < Number(first)) return null;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (start > end) return { status: 416 };
  return { status: 206, start, length: end - start + 1 };
}
