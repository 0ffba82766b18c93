import { html } from 'hono/html';

/** What people see who follow a link that opens nothing. */

const words = {
  en: {
    title: 'This link opens nothing',
    text: 'Links to shared files work for a limited time, and this one is over or was never complete. Ask the bot in Campfire to share the file again.',
  },
  'zh-CN': {
    title: '此链接无法打开',
    text: '文件分享链接只在一段时间内有效，此链接已失效或不完整。请在 Campfire 中让机器人重新分享该文件。',
  },
};

/** The same page for every reason, so that it tells nothing about what there is. */
export function nothingHere(acceptLanguage: string | undefined) {
  const language = prefersChinese(acceptLanguage ?? '') ? 'zh-CN' : 'en';
  const { title, text } = words[language];
  return html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>
:root { color-scheme: light dark; }
body { display: grid; place-content: center; min-height: 100vh; margin: 0; padding: 1.5rem; box-sizing: border-box; font: 1rem/1.6 system-ui, sans-serif; color: light-dark(#1d1d1f, #ececee); background: light-dark(#fff, #161618); }
main { max-width: 34rem; }
h1 { font-size: 1.4rem; line-height: 1.3; margin: 0 0 0.6rem; }
p { margin: 0; color: light-dark(#55555b, #a9a9b0); }
</style>
</head>
<body><main><h1>${title}</h1><p>${text}</p></main></body>
</html>`;
}

/** Whether Chinese stands before English (RFC 9110 §12.5.4). */
function prefersChinese(acceptLanguage: string): boolean {
  const weightOf = (tag: RegExp) =>
    Math.max(
      0,
      ...acceptLanguage.split(',').map((part, index) => {
        const [name = '', ...parameters] = part.split(';').map((piece) => piece.trim());
        const given = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
        // Of equal weights the first one counts.
        return tag.test(name) ? Number(given ?? 1) - index / 1000 : 0;
      }),
    );
  return weightOf(/^zh\b/i) > weightOf(/^en\b/i);
}
