import type { Language } from '../config/bot.ts';

/** What the service itself says in a room, in plain words and never with an internal detail. */
export type Sentence =
  | { say: 'empty-answer' }
  | { say: 'timed-out'; minutes: number }
  | { say: 'overloaded' }
  | { say: 'not-authorised' }
  | { say: 'api-failed' }
  | { say: 'too-many-steps' }
  | { say: 'gave-up' }
  | { say: 'stopped' }
  | { say: 'in-doubt'; name: string }
  | { say: 'withheld' }
  | { say: 'file-gone'; filename: string }
  | { say: 'failed' };

type Wording = { [S in Sentence as S['say']]: (sentence: S) => string };

const wordings: Record<Language, Wording> = {
  en: {
    'empty-answer': () => 'I finished, but there was nothing to say.',
    'timed-out': ({ minutes }) =>
      `I ran out of time after ${minutes} minutes. Ask me for a smaller piece and I will try again.`,
    overloaded: () => 'Claude is overloaded right now. Please ask me again in a few minutes.',
    'not-authorised': () =>
      'I cannot reach Claude: my access was refused. Please tell whoever runs this bot.',
    'api-failed': () => 'I could not reach Claude just now. Please ask me again in a moment.',
    'too-many-steps': () =>
      'This took more steps than I am allowed. Ask me for a smaller piece and I will try again.',
    'gave-up': () =>
      'I was cut off three times while working on this one, so I stopped. Ask me again, perhaps in smaller pieces.',
    stopped: () => 'I was stopped before I could answer.',
    'in-doubt': ({ name }) => `I was restarted while answering ${name}; if no answer is above, ask me again.`,
    withheld: () => 'My answer contained something secret, so I did not post it.',
    'file-gone': ({ filename }) => `I could not post ${filename} in time. Please ask me for it again.`,
    failed: () => 'Something went wrong on my side. Please ask me again.',
  },
  'zh-CN': {
    'empty-answer': () => '我已处理完，但没有可说的内容。',
    'timed-out': ({ minutes }) => `${minutes} 分钟内没有完成，已停止。请把问题拆小一些，我再试一次。`,
    overloaded: () => 'Claude 目前负载过高，请过几分钟再问我。',
    'not-authorised': () => '我无法连接 Claude：访问被拒绝。请告知负责此机器人的人员。',
    'api-failed': () => '刚才无法连接 Claude，请稍后再问我。',
    'too-many-steps': () => '这个任务超出了允许的步骤数。请把问题拆小一些，我再试一次。',
    'gave-up': () => '处理这条消息时我三次被中断，已停止。请再问一次，最好拆成几部分。',
    stopped: () => '我在回答之前被停止了。',
    'in-doubt': ({ name }) => `我在回答 ${name} 时被重新启动；如果上面没有答案，请再问我一次。`,
    withheld: () => '我的回答包含机密内容，因此没有发送。',
    'file-gone': ({ filename }) => `未能及时发送文件 ${filename}，请再向我要一次。`,
    failed: () => '我这边出了点问题，请再问一次。',
  },
};

export function wordsFor(sentence: Sentence, language: Language): string {
  const wording = wordings[language];
  return (wording[sentence.say] as (sentence: Sentence) => string)(sentence);
}

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
