/** The elements `action-text-attachment`: people mentioned, link previews, pictures from elsewhere. */
import type { Element, ElementContent } from 'hast';

export interface AttachmentContext {
  /** The name of the person (or bot) behind a signed id; undefined when nobody is. */
  resolveMention(sgid: string): string | undefined;
}

const mentionType = 'application/vnd.campfire.mention';
const previewType = 'application/vnd.actiontext.opengraph-embed';
const missing = '☒';

/** What Campfire renders in the attachment's place. */
export function showAttachment(attachment: Element, context: AttachmentContext): ElementContent {
  const name = nameOf(attachment, context);
  if (name !== undefined) return element('span', { className: ['mention'] }, [text(name)]);
  if (isPreview(attachment)) return previewOf(attachment);
  if (isRemoteImage(attachment)) return imageOf(attachment);
  return text(missing);
}

/** The attachment's part of the plain text, by which Campfire searches, pushes and tells bots. */
export function attachmentText(attachment: Element, context: AttachmentContext): string {
  const name = nameOf(attachment, context);
  if (name !== undefined) return `@${name}`;
  if (isPreview(attachment)) return '';
  if (isRemoteImage(attachment)) return `[${attribute(attachment, 'caption') || 'Image'}]`;
  return missing;
}

function nameOf(attachment: Element, context: AttachmentContext): string | undefined {
  const sgid = attribute(attachment, 'sgid');
  return sgid === '' ? undefined : context.resolveMention(sgid);
}

function isPreview(attachment: Element): boolean {
  return attribute(attachment, 'content-type').includes(previewType);
}

function isRemoteImage(attachment: Element): boolean {
  const type = attribute(attachment, 'content-type');
  return type !== mentionType && type.startsWith('image') && attribute(attachment, 'url') !== '';
}

function previewOf(attachment: Element): Element {
  const href = attribute(attachment, 'href');
  const image = attribute(attachment, 'url');
  const title = text(attribute(attachment, 'filename'));
  const link = /^https?:/i.test(href) ? element('a', { href }, [title]) : title;
  return element('div', { className: ['og-embed', 'gap'] }, [
    element('div', { className: ['og-embed__content'] }, [
      element('div', { className: ['og-embed__title'] }, [link]),
      element('div', { className: ['og-embed__description'] }, [text(attribute(attachment, 'caption'))]),
    ]),
    ...(/^https?:/i.test(image)
      ? [
          element('div', { className: ['og-embed__image'] }, [
            element('img', { src: image, className: ['image', 'center'], alt: '' }, []),
          ]),
        ]
      : []),
  ]);
}

function imageOf(attachment: Element): Element {
  return element('figure', { className: ['attachment', 'attachment--preview'] }, [
    element('img', { src: attribute(attachment, 'url') }, []),
    element('figcaption', { className: ['attachment__caption'] }, [text(attribute(attachment, 'caption'))]),
  ]);
}

function attribute(node: Element, name: string): string {
  return String(node.properties[name] ?? '');
}

function element(tagName: string, properties: Element['properties'], children: ElementContent[]): Element {
  return { type: 'element', tagName, properties, children };
}

function text(value: string): ElementContent {
  return { type: 'text', value };
}
