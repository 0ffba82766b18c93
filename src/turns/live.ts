import type { CampfireClient } from '../campfire/client.ts';
import type { FaceBook } from '../campfire/face.ts';
import { renderReply } from '../campfire/html/render.ts';
import type { Bot } from '../config/bot.ts';
import { type Clock, within } from '../lib/clock.ts';
import { type Mail, type NoticeState, noticeOrdinals, type Turn } from '../mail/mail.ts';
import type { Emit } from '../telemetry/events.ts';
import { emitFailure } from '../telemetry/failure.ts';
import { languageFor } from './language.ts';
import { decideLive } from './live-policy.ts';
import { markerOf, noticeBody } from './posts.ts';
import type { Right } from './right.ts';
import { doingWords, type Progress, type View } from './steps.ts';
import { showsSecret, withoutSecretTail } from './withheld.ts';

/**
 * The one message that shows what a running turn does: its step in words, then the answer as it is written.
 *
 * Invariants:
 * 1. It is the notice of the turn's messages, so that there is one at most, and that a restart finds it again.
 * 2. Nothing of it changes once `end` has resolved, unless `end` says so: the outcome has the last word.
 * 3. What is shown holds no secret and no beginning of one.
 */

export interface LiveParts {
  mail: Pick<Mail, 'notice' | 'noticeOf'>;
  client: Pick<CampfireClient, 'edit' | 'delete'>;
  faces: FaceBook;
  right: Pick<Right, 'mayWrite' | 'mayBeSent'>;
  secrets: ReadonlySet<string>;
  clock: Clock;
  emit: Emit;
  /** Told when outbox rows were written. */
  onDecided: () => void;
}

export interface LiveMessage {
  /** Ends it and tells whether the room already sees the beginning of what is now the answer. */
  end(): Promise<{ showsAnswer: boolean }>;
  /** Takes it out of the room after `end`, where that is possible: its turn will not answer. */
  remove(): Promise<void>;
  /** Puts these words in its place after `end`, where that is possible. */
  replace(body: string): Promise<void>;
}

/** Edits under way at the end get this long; one that takes longer may still arrive. */
const lastEditMs = 2_000;
/** What is shown of a long answer before it is whole; the rest follows with it. */
const shownMaxCharacters = 6_000;
/** What an edit may come to while there is something to edit. */
const goesOn: ReadonlySet<string> = new Set(['done', 'unavailable', 'tooMany', 'withheld']);

export function showLive(turn: Turn, bot: Bot, progress: Progress, parts: LiveParts): LiveMessage {
  return new LiveTurn(turn, bot, progress, parts);
}

class LiveTurn implements LiveMessage {
  readonly #turn: Turn;
  readonly #bot: Bot;
  readonly #progress: Progress;
  readonly #parts: LiveParts;
  readonly #over = new AbortController();
  readonly #running: Promise<void>;
  #shown: View | null = null;
  /** Campfire's id of it, once it was seen there: of a turn that a person has ended meanwhile mail may not know it any more. */
  #noticeId: number | null = null;

  constructor(turn: Turn, bot: Bot, progress: Progress, parts: LiveParts) {
    this.#turn = turn;
    this.#bot = bot;
    this.#progress = progress;
    this.#parts = parts;
    this.#running = this.#run().catch((error: unknown) => emitFailure(parts.emit, 'live message', error));
  }

  async end(): Promise<{ showsAnswer: boolean }> {
    this.#over.abort();
    if ((await within(this.#parts.clock, lastEditMs, this.#running)) === 'timeout')
      return { showsAnswer: false };
    const [shown, now] = [this.#shown, this.#progress.view()];
    const showsAnswer = shown?.kind === 'text' && now.kind === 'text' && now.text.startsWith(shown.text);
    return { showsAnswer };
  }

  async remove(): Promise<void> {
    const { client, right } = this.#parts;
    await this.#findNotice();
    if (this.#noticeId !== null && (await right.mayWrite()))
      await client.delete(this.#bot.key, this.#turn.roomId, this.#noticeId, right.mayBeSent);
  }

  async replace(body: string): Promise<void> {
    const { client, right } = this.#parts;
    const notice = await this.#findNotice();
    if (notice.kind === 'shown' && (await right.mayWrite()))
      await client.edit(this.#bot.key, this.#turn.roomId, notice.id, body, right.mayBeSent);
  }

  async #run(): Promise<void> {
    const { clock, faces } = this.#parts;
    const startedMs = clock.monotonicMs();
    let editedMs: number | null = null;
    for (;;) {
      const view = this.#view();
      const decision = decideLive({
        face: await faces.find(this.#bot.key, this.#turn.roomId),
        ranMs: clock.monotonicMs() - startedMs,
        notice: await this.#findNotice(),
        isNew: !sameView(view, this.#shown),
        sinceEditMs: editedMs === null ? null : clock.monotonicMs() - editedMs,
      });
      if (this.#over.signal.aborted) return;
      if (decision.kind === 'post') {
        await this.#post(view);
      } else if (decision.kind === 'edit') {
        if (!(await this.#edit(decision.id, view))) return;
        editedMs = clock.monotonicMs();
      } else {
        if (decision.lookAgainMs === null) return;
        await clock.sleep(decision.lookAgainMs, this.#over.signal);
      }
      if (this.#over.signal.aborted) return;
    }
  }

  async #findNotice(): Promise<NoticeState> {
    const notice = await this.#parts.mail.noticeOf(this.#turn);
    if (notice.kind === 'shown') this.#noticeId = notice.id;
    return notice;
  }

  /** What may be shown now. */
  #view(): View {
    const view = this.#progress.view();
    if (view.kind !== 'text') return view;
    const text = withoutSecretTail(view.text.slice(0, shownMaxCharacters), this.#parts.secrets);
    return text === null || text.trim() === '' ? { kind: 'thinking' } : { kind: 'text', text };
  }

  /** Through the outbox: its place is before the answer, and a restart knows of it. */
  async #post(view: View): Promise<void> {
    const { mail, onDecided } = this.#parts;
    const ordinal = noticeOrdinals.working;
    if (await mail.notice(this.#turn, this.#turn.messages, { ordinal, body: this.#bodyOf(view) })) {
      this.#shown = view;
      onDecided();
    }
  }

  /** Straight to Campfire: an edit that is lost costs nothing, the next one shows more. False when it is over. */
  async #edit(id: number, view: View): Promise<boolean> {
    const { client, right } = this.#parts;
    // The one that shows it later shows more.
    if (!(await right.mayWrite())) return true;
    const body = this.#bodyOf(view);
    const result = await client.edit(this.#bot.key, this.#turn.roomId, id, body, right.mayBeSent);
    if (result.kind === 'done') this.#shown = view;
    return goesOn.has(result.kind);
  }

  #bodyOf(view: View): string {
    const ordinal = noticeOrdinals.working;
    const language = languageFor(this.#bot, this.#turn.messages);
    if (view.kind === 'text') {
      const marker = () => markerOf(this.#turn)(ordinal);
      const [body] = renderReply(`${view.text} …`, { marker, language }).bodies;
      if (body !== undefined && !showsSecret({ kind: 'waiting', body }, this.#parts.secrets)) return body;
    }
    const doing = view.kind === 'tool' ? doingWords(view.step, language) : null;
    return noticeBody(this.#turn, this.#bot, { say: 'working', doing }, ordinal);
  }
}

function sameView(one: View, other: View | null): boolean {
  if (one.kind === 'text') return other?.kind === 'text' && other.text === one.text;
  if (one.kind === 'tool') return other?.kind === 'tool' && other.step === one.step;
  return other?.kind === 'thinking';
}
