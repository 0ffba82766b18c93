/** What the model is told of files that people posted in the room. */

/** A file that the chat put into the working folder, or did not. */
export interface ToldFile {
  /** Relative to the working folder; null when it is not there. */
  path: string | null;
  filename: string;
  author: string;
  mediaType: string;
  bytes: number;
  /** Why it is not there. */
  problem: string | null;
}

/** Put before the message that the files belong to. `left` more were posted and are not told by name. */
export function postedFilesText(files: readonly ToldFile[], left: number): string {
  const lines = files.map(({ path, filename, author, mediaType, bytes, problem }) => {
    const what = `${mediaType.replace(/[^\w.+/-]/g, '')}, ${sizeOf(bytes)}, from ${onOneLine(author)}`;
    const name = path ?? onOneLine(filename);
    return problem === null ? `- ${name} (${what})` : `- ${name} (${what}): not available, ${problem}`;
  });
  const more = left > 0 ? [`- and ${left} more that are not available; ask for them to be posted again`] : [];
  return `[Files posted in this room just before or with the message below, put into your working folder by the chat itself:\n${[...lines, ...more].join('\n')}]`;
}

/** For a message that seems to be about a file, where the bot cannot get at files. */
export const noFilesText =
  '[The message below may be about a file that was posted in this room. You cannot see posted files: this installation does not give you access to them. If the answer needs the file, say so kindly, offer to work with pasted text, and mention that whoever runs this bot can let you see files with the setting CAMPFIRE_STORAGE.]';

/** As above, where access is set up and does not work at the moment. */
export const filesUnreadableText =
  '[The message below may be about a file that was posted in this room. Posted files cannot be read at the moment. If the answer needs the file, say so kindly and suggest asking again later.]';

/** Names come from people: a line break or a bracket in one must not look like the chat's own words. */
function onOneLine(name: string): string {
  return name
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .replaceAll(']', ')')
    .trim()
    .slice(0, 200);
}

function sizeOf(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  if (bytes < 1024 * 1024) return `${Math.round(bytes / 1024)} KB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}
