import type { Language } from '../config/bot.ts';

const fileWordings = {
  en: {
    download: 'Download',
    madeBefore: 'What I had made until then:',
    until: (time: string) => `until ${time}`,
    ended: (names: string) => `To make room, the links to these earlier files have ended: ${names}.`,
    separator: ', ',
  },
  'zh-CN': {
    download: '下载',
    madeBefore: '在此之前已完成：',
    until: (time: string) => `${time} 前有效`,
    ended: (names: string) => `为腾出空间，以下较早文件的链接已失效：${names}。`,
    separator: '、',
  },
};

/** The few words around shared files. */
export function fileWords(language: Language): {
  download: string;
  /** Before the files of a turn that has failed. */
  madeBefore: string;
  size(bytes: number): string;
} {
  const { download, madeBefore } = fileWordings[language];
  return { download, madeBefore, size: (bytes) => sizeWords(bytes, language) };
}

/** Until when, by the clock, and with the day when that is not today. */
export function untilWords(at: number, now: number, timeZone: string, language: Language): string {
  const format = (time: number, options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(language === 'en' ? 'en-GB' : language, { timeZone, ...options }).format(time);
  const day = (time: number) => format(time, { dateStyle: 'short' });
  const clock = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
  const date = day(at) === day(now) ? {} : ({ day: 'numeric', month: 'short' } as const);
  return fileWordings[language].until(format(at, { ...date, ...clock }));
}

/** Which earlier files had to go; null when none had to. */
export function endedWords(names: readonly string[], language: Language): string | null {
  const { ended, separator } = fileWordings[language];
  return names.length === 0 ? null : ended(names.join(separator));
}

function sizeWords(bytes: number, language: Language): string {
  const [amount, unit] =
    bytes < 1000
      ? [bytes, 'byte']
      : bytes < 1_000_000
        ? [bytes / 1000, 'kilobyte']
        : [bytes / 1_000_000, 'megabyte'];
  const style = { style: 'unit', unit, unitDisplay: bytes < 1000 ? 'long' : 'short' } as const;
  return new Intl.NumberFormat(language, { ...style, maximumFractionDigits: amount < 10 ? 1 : 0 }).format(
    amount,
  );
}
