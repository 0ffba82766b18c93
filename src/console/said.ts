import type { SessionName } from '../telemetry/events.ts';

/** What people wrote, as far as the console shows it: names of rooms, and texts if the operator wants them. */
export interface Said {
  hear(message: {
    session: SessionName;
    roomName: string | null;
    messageId: number | null;
    plain: string;
  }): void;
  /** Null when nobody wrote there since the start, or the room has no name. */
  roomName(session: SessionName): string | null;
  /** Null for a message that is not kept any more, or never was. */
  text(session: SessionName, messageIds: readonly (number | null)[]): string | null;
  newest(): NewestSaid;
}

/** What came last, for other machines. */
export interface NewestSaid {
  /** Names by room. */
  rooms: Record<string, string>;
  /** By session and message, `7:helper 123`. */
  texts: Record<string, string>;
}

const roomsMax = 2_000;
const textsMax = 500;
const charactersMax = 400;
const newestMax = { rooms: 300, texts: 100 };

/** Kept in memory alone, and less than what the mailbox has of it. */
export function createSaid({ showText }: { showText: boolean }): Said {
  const rooms = new Map<string, string>();
  const texts = new Map<string, string>();
  return {
    hear({ session, roomName, messageId, plain }) {
      if (roomName !== null && roomName !== '') put(rooms, roomOf(session), roomName.slice(0, 200), roomsMax);
      if (showText && messageId !== null) put(texts, `${session} ${messageId}`, shorten(plain), textsMax);
    },
    roomName: (session) => rooms.get(roomOf(session)) ?? null,
    text(session, messageIds) {
      const found = messageIds.flatMap((id) => texts.get(`${session} ${id}`) ?? []);
      return found.length === 0 ? null : found.join('\n');
    },
    newest: () => ({
      rooms: Object.fromEntries([...rooms].slice(-newestMax.rooms)),
      texts: Object.fromEntries([...texts].slice(-newestMax.texts)),
    }),
  };
}

function roomOf(session: SessionName): string {
  return session.slice(0, session.indexOf(':'));
}

function shorten(text: string): string {
  const whole = text.trim();
  return whole.length <= charactersMax ? whole : `${whole.slice(0, charactersMax).toWellFormed()} …`;
}

function put(map: Map<string, string>, key: string, value: string, max: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= max) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
