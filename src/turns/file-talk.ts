import type { MessageContent } from './content.ts';

/** Words by which people point at something that they posted; "write a file" is none. */
const pointing = [
  /\b(?:attach(?:ed|ment|ments|ing)?|upload(?:ed|s)?)\b/i,
  /\b(?:this|the|these|those|that|my|our|your)\s+(?:\p{L}+\s+){0,2}(?:files?|documents?|pdfs?|spreadsheets?|workbooks?|sheets?|images?|pictures?|photos?|screenshots?|slides?|deck|presentations?|csv|zip|invoices?|scans?)\b/iu,
  /附件|上传|(?:这|那|该|此|上面|刚才|刚刚|我发)[^，。！？\n]{0,8}(?:文件|文档|图|照片|截屏|表格?|报告|幻灯片|PDF|Excel|Word|PPT)/i,
  /[\p{L}\p{N})_-]\.(?:pdf|xlsx?|docx?|pptx?|csv|tsv|png|jpe?g|gif|webp|heic|txt|md|json|xml|zip|key|pages|numbers|odt|ods|log|mp[34]|mov|wav)(?![\p{L}\p{N}])/iu,
];

/** The name of a file and nothing else: how Campfire tells of an upload in a direct room. */
const fileName = /^[^\n/]{1,250}\.[A-Za-z0-9]{1,8}$/;

/** Whether a message seems to speak of a posted file, or to be one. */
export function isAboutFile({ html, plain, roomName }: MessageContent): boolean {
  return isUpload({ html, plain, roomName }) || pointing.some((pattern) => pattern.test(plain));
}

function isUpload({ html, plain, roomName }: Pick<MessageContent, 'html' | 'plain' | 'roomName'>): boolean {
  return html === null && roomName === null && fileName.test(plain.trim());
}

/** Ids of the messages of this room that a message quotes, as Campfire's reply writes it: `…/rooms/<room>/@<id>`. */
export function quotedIds(html: string | null, roomId: number): number[] {
  const links = (html ?? '').matchAll(/href="[^"]{0,500}?\/rooms\/(\d{1,15})\/@(\d{1,15})"/g);
  const ids = [...links].filter(([, room]) => Number(room) === roomId).map(([, , id]) => Number(id));
  return [...new Set(ids)].slice(0, 10);
}

export type Look = { kind: 'enough' } | { kind: 'again'; afterMs: number };

const lookPeriodMs = 400;
/** An upload that starts with its text is there within this time, or is so large that nobody waits for it. */
const patienceMs = 5_000;
/** Several uploads that start together end one after the other. */
const settleMs = 1_500;

/**
 * Whether to look for files once more. `sinceMs`: from the arrival of the message until now. `youngestMs`: the age of
 * the newest file found, null for none; negative for one posted after the message.
 */
export function decideLook(reading: {
  aboutFile: boolean;
  youngestMs: number | null;
  sinceMs: number;
}): Look {
  const { aboutFile, youngestMs, sinceMs } = reading;
  const again: Look = { kind: 'again', afterMs: lookPeriodMs };
  if (youngestMs === null) return aboutFile && sinceMs < patienceMs ? again : { kind: 'enough' };
  return youngestMs < settleMs && sinceMs < settleMs ? again : { kind: 'enough' };
}
