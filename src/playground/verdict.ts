/** A webhook's response as it came over the wire, body decoded; header values untouched. */
export interface WebhookResponse {
  status: number;
  /** Null when there is no such header at all, which is the difference between silence and an attachment. */
  contentType: string | null;
  body: Uint8Array;
}

/** What Campfire makes of a webhook's response; `ignored` and `failed` show nothing in the room. */
export type Verdict =
  | { kind: 'ignored' }
  | { kind: 'text'; text: string }
  | { kind: 'attachment'; name: string; type: string; bytes: Uint8Array }
  | { kind: 'failed'; cause: string };

/**
 * Judges a response as Campfire does (models/webhook.rb): exactly 200 and exactly `text/html` or `text/plain`
 * is a text message, even when empty; any other content type is an attachment, whatever the status; and only
 * an answer without a content type is silence.
 */
export function judge({ status, contentType, body }: WebhookResponse): Verdict {
  if (contentType === null) return { kind: 'ignored' };
  const type = mediaTypeOf(contentType);
  if (status === 200 && (type === 'text/html' || type === 'text/plain')) {
    return { kind: 'text', text: Buffer.from(body).toString('utf8') };
  }
  if (!wellFormed.test(type)) return { kind: 'failed', cause: `InvalidMimeType: ${JSON.stringify(type)}` };
  // A 204 or 304 with a content type lands here with an empty body: Campfire's pinned stringio takes the nil
  // body for an empty file, where an older one would fail the job. Nobody should send it.
  return { kind: 'attachment', name: `attachment.${symbols.get(type) ?? ''}`, type, bytes: body };
}

/** `Net::HTTPHeader#content_type`: what stands before the parameters, case kept. */
function mediaTypeOf(header: string): string {
  const [main = '', sub] = (header.split(';')[0] ?? '').split('/');
  return sub === undefined ? main.trim() : `${main.trim()}/${sub.trim()}`;
}

/** Rails' `Mime::Type::MIME_REGEXP`, without parameters. */
const wellFormed =
  /^(?:\*\/\*|[a-zA-Z0-9][a-zA-Z0-9!#$&\-^_.+]{0,126}\/(?:\*|[a-zA-Z0-9][a-zA-Z0-9!#$&\-^_.+]{0,126}))$/;

/** The types that Rails registers, with the symbols that become the file's extension; compared case-sensitively. */
const symbols: ReadonlyMap<string, string> = new Map([
  ['text/html', 'html'],
  ['application/xhtml+xml', 'html'],
  ['text/plain', 'text'],
  ['text/javascript', 'js'],
  ['application/javascript', 'js'],
  ['application/x-javascript', 'js'],
  ['text/css', 'css'],
  ['text/calendar', 'ics'],
  ['text/csv', 'csv'],
  ['text/vcard', 'vcf'],
  ['text/vtt', 'vtt'],
  ['text/vnd.turbo-stream.html', 'turbo_stream'],
  ['image/png', 'png'],
  ['image/jpeg', 'jpeg'],
  ['image/gif', 'gif'],
  ['image/bmp', 'bmp'],
  ['image/tiff', 'tiff'],
  ['image/svg+xml', 'svg'],
  ['image/webp', 'webp'],
  ['video/mpeg', 'mpeg'],
  ['video/webm', 'webm'],
  ['video/mp4', 'mp4'],
  ['audio/mpeg', 'mp3'],
  ['audio/ogg', 'ogg'],
  ['audio/aac', 'm4a'],
  ['audio/mp4', 'm4a'],
  ['font/otf', 'otf'],
  ['font/ttf', 'ttf'],
  ['font/woff', 'woff'],
  ['font/woff2', 'woff2'],
  ['application/xml', 'xml'],
  ['text/xml', 'xml'],
  ['application/x-xml', 'xml'],
  ['application/rss+xml', 'rss'],
  ['application/atom+xml', 'atom'],
  ['application/x-yaml', 'yaml'],
  ['text/yaml', 'yaml'],
  ['multipart/form-data', 'multipart_form'],
  ['application/x-www-form-urlencoded', 'url_encoded_form'],
  ['application/json', 'json'],
  ['text/x-json', 'json'],
  ['application/jsonrequest', 'json'],
  ['application/pdf', 'pdf'],
  ['application/zip', 'zip'],
  ['application/gzip', 'gzip'],
  ['application/x-gzip', 'gzip'],
]);
