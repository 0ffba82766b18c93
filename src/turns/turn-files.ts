import { dirname } from 'node:path';
import type { Slot, TurnHooks } from '../agent/agent.ts';
import { answerFor, type ToolAnswer, type ToolCall } from '../agent/tools.ts';
import type { DeadLinks } from '../campfire/html/dead-links.ts';
import type { FileLink, MessageFiles } from '../campfire/html/files.ts';
import type { Language } from '../config/bot.ts';
import type { Downloads, Source, Wish } from '../downloads/downloads.ts';
import type { KeptFile } from '../downloads/kept.ts';
import { addressesIn, deadLinks, type Links, linksTo, tokenIn } from '../downloads/links.ts';
import { isPage } from '../downloads/names.ts';
import type { Clock } from '../lib/clock.ts';
import type { OutboxDraft, Turn } from '../mail/mail.ts';
import { patiently } from '../store/patience.ts';
import { writeFile } from './content.ts';
import { endedWords, fileWords, untilWords } from './file-words.ts';

/**
 * The files of one attempt at a turn: what its bot tools do, and what the room gets of it.
 *
 * Invariants:
 * 1. A turn shows each thing once, whichever of its attempts made it: what is kept is asked of the store, by turn.
 * 2. Nothing is kept any more once `close` has resolved, so that whatever was kept is shown.
 * 3. A store that is away for a while costs a finished answer its time, and not the turn.
 */

/** More addresses of our kind than that in an answer are not looked up, and so are dead. */
const lookUpsMax = 50;
/** Kept by the service itself, and not by the bot: an answer too long for the room. */
const ownSource = 'text answer-';

export interface TurnFilesParts {
  downloads: Downloads;
  publicUrl: string | null;
  clock: Clock;
  timeZone: string;
}

/** What a turn adds to its answer. */
export interface Presented {
  files: MessageFiles;
  deadLinks: DeadLinks;
  /** Posted behind the answer. */
  attachments: OutboxDraft[];
}

export interface TurnFiles {
  useTool: TurnHooks['useTool'];
  /** Ends the tools' work; waits for calls under way. */
  close(): Promise<void>;
  /** What goes with this answer, after `close`. */
  present(answer: string): Promise<Presented>;
  /** Keeps a text of the service itself until it is posted. @throws Error when there is no room. */
  attachText(name: string, text: string): Promise<OutboxDraft>;
}

export function createTurnFiles(turn: Turn, language: Language, parts: TurnFilesParts): TurnFiles {
  return new FilesOfTurn(turn, language, parts);
}

class FilesOfTurn implements TurnFiles {
  readonly #owner: { botId: string; roomId: number; turnId: string };
  readonly #language: Language;
  readonly #parts: TurnFilesParts;
  /** Links of this attempt by the file's id; nobody else knows the tokens. */
  readonly #links = new Map<string, Links>();
  readonly #ended: string[] = [];
  /** One call after the other: the order of calls is the order in the room. */
  #working: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor({ botId, roomId, id }: Turn, language: Language, parts: TurnFilesParts) {
    this.#owner = { botId, roomId, turnId: String(id) };
    this.#language = language;
    this.#parts = parts;
  }

  useTool(call: ToolCall, slot: Slot): Promise<ToolAnswer> {
    if (this.#closed) return Promise.resolve(answerFor({ kind: 'no-turn' }));
    const answer = this.#working.then(() => this.#use(call, slot));
    this.#working = answer.catch(() => undefined);
    return answer;
  }

  async close() {
    this.#closed = true;
    await this.#working;
  }

  present(answer: string): Promise<Presented> {
    return patiently(this.#parts.clock, () => this.#presentOnce(answer));
  }

  async attachText(name: string, text: string): Promise<OutboxDraft> {
    const wish: Wish = { as: 'attachment', name, title: null };
    const source: Source = { from: 'text', text };
    const { downloads, clock } = this.#parts;
    const kept = await patiently(clock, () => downloads.keep(source, this.#owner, wish));
    if (kept.kind !== 'kept') throw new Error(`The answer could not be kept as a file: ${kept.kind}`);
    return draftOf(kept.file);
  }

  async #presentOnce(answer: string): Promise<Presented> {
    const { downloads, publicUrl } = this.#parts;
    const kept = (await downloads.ofTurn(this.#owner)).filter(({ source }) => !source.startsWith(ownSource));
    const live = await this.#liveLinksIn(answer);
    const links: FileLink[] = [];
    for (const file of kept.filter(({ as }) => as === 'link')) {
      const known = this.#links.get(file.id) ?? live.get(file.id) ?? (await downloads.renewLinks(file));
      if (known) links.push(this.#linkOf(file, known));
    }
    const tokens = [...live.values()].map(({ download }) => tokenIn(download) ?? '');
    return {
      files: { links, remark: endedWords(this.#ended, this.#language) },
      deadLinks: deadLinks(publicUrl, new Set(tokens)),
      attachments: kept.filter(({ as }) => as === 'attachment').map(draftOf),
    };
  }

  async #use(call: ToolCall, slot: Slot): Promise<ToolAnswer> {
    const { source, wish } = requestOf(call, slot);
    const kept = await this.#parts.downloads.keep(source, this.#owner, wish);
    if (kept.kind !== 'kept') return answerFor({ kind: 'refused', refusal: kept });
    const { file, links, ended } = kept;
    if (!links) {
      const because = wish.as === 'attachment' ? 'asked' : 'no-links';
      return answerFor({ kind: 'attached', name: file.name, because });
    }
    this.#links.set(file.id, links);
    this.#ended.push(...ended.map(({ name }) => name));
    return answerFor({
      ...{ kind: 'linked', name: file.name, url: links.open, until: this.#until(file, 'en') },
      ended: ended.map(({ name }) => name),
      notLoaded: call.tool === 'save_html_presentation' ? outsideOf(call.html) : [],
    });
  }

  /** Links in the answer that lead to a file of this conversation now, by the file's id. */
  async #liveLinksIn(answer: string): Promise<Map<string, Links>> {
    const { downloads, publicUrl } = this.#parts;
    const live = new Map<string, Links>();
    if (publicUrl === null) return live;
    const tokens = new Set(addressesIn(answer).map(({ address }) => tokenIn(address)));
    for (const token of [...tokens].slice(0, lookUpsMax)) {
      const file = token === null ? null : await downloads.find(token);
      if (token === null || file?.roomId !== this.#owner.roomId || file.botId !== this.#owner.botId) continue;
      live.set(file.id, linksTo(publicUrl, token, file.mediaType));
    }
    return live;
  }

  #linkOf(file: KeptFile, { open, download }: Links): FileLink {
    const words = fileWords(this.#language);
    const details = [
      ...(file.title === file.name ? [] : [file.name]),
      words.size(file.bytes),
      this.#until(file, this.#language),
    ];
    const other = isPage(file.mediaType) ? { label: words.download, href: download } : null;
    return { title: file.title, details: details.join(' · '), href: open, other };
  }

  #until({ expiresAt }: KeptFile, language: Language): string {
    const { clock, timeZone } = this.#parts;
    return untilWords(expiresAt, clock.now(), timeZone, language);
  }
}

function requestOf(call: ToolCall, slot: Slot): { source: Source; wish: Wish } {
  if (call.tool === 'save_html_presentation') {
    const name = /\.html?$/i.test(call.filename.trim()) ? call.filename : `${call.filename}.html`;
    return { source: { from: 'text', text: call.html }, wish: { as: 'link', name, title: call.title } };
  }
  const folder = { path: slot.work, anchor: dirname(slot.root) };
  const as = call.tool === 'save_file' ? 'link' : 'attachment';
  const title = call.tool === 'save_file' ? call.title : null;
  return { source: { from: 'file', folder, path: call.path }, wish: { as, name: call.filename, title } };
}

function draftOf({ id, name, mediaType }: KeptFile): OutboxDraft {
  return { kind: 'file', body: writeFile({ id, filename: name, type: mediaType }) };
}

/** Hosts that a page wants to load something from, as far as its tags say so. */
function outsideOf(html: string): string[] {
  // Not beyond the next tag: a page of nothing but beginnings of tags must not cost quadratic time.
  const loads =
    /<(?:script|img|iframe|video|audio|source|link)\b[^<>]*?\b(?:src|href)\s*=\s*["']?(https?:\/\/[^\s"'>]+)|(?:@import|url\()\s*["']?(https?:\/\/[^\s"')]+)/gi;
  const addresses = [...html.matchAll(loads)].map(([, tag, style]) => tag ?? style ?? '');
  return [...new Set(addresses)].slice(0, 5);
}
