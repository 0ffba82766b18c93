/**
 * What a failed statement tells about the disk and the file, or about Redis. Facts: SQLite's primary result code is the low byte of
 * `errcode`; a full disk is SQLITE_FULL (13), or SQLITE_IOERR (10) where a sync noticed it; a damaged file is
 * SQLITE_CORRUPT (11) or SQLITE_NOTADB (26). Redis answers OOM above its `maxmemory`, and MISCONF while it cannot write its
 * file.
 */
export type StoreTrouble = 'full' | 'io' | 'damaged' | 'away';

/** Null for errors that are neither: a broken constraint, a defect in a statement. */
export function storeTrouble(error: unknown): StoreTrouble | null {
  if (!(error instanceof Error)) return null;
  if ('code' in error && typeof error.code === 'string' && byCode.has(error.code))
    return byCode.get(error.code) ?? null;
  // By name: the client of Redis is loaded only where there is one.
  if (error.name === 'RedisAwayError') return 'away';
  if (error.name === 'ReplyError') return byAnswer.get(error.message.split(' ', 1)[0] ?? '') ?? null;
  if (!('errcode' in error) || typeof error.errcode !== 'number') return null;
  return byResult.get(error.errcode & 0xff) ?? null;
}

/** Of calls outside SQLite, such as a sync. */
const byCode: ReadonlyMap<string, StoreTrouble> = new Map([
  ['ENOSPC', 'full'],
  ['EDQUOT', 'full'],
  ['EIO', 'io'],
]);

const byResult: ReadonlyMap<number, StoreTrouble> = new Map([
  [13, 'full'],
  [10, 'io'],
  [11, 'damaged'],
  [26, 'damaged'],
]);

const byAnswer: ReadonlyMap<string, StoreTrouble> = new Map([
  ['OOM', 'full'],
  ['MISCONF', 'io'],
]);
