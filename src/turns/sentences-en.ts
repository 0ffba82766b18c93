import type { Running, Sentence, WaitReason, Wording } from './sentence.ts';

type Of<S extends Sentence['say']> = Extract<Sentence, { say: S }>;

export const english: Wording = {
  'empty-answer': () => 'I finished, but there was nothing to say.',
  'timed-out': ({ minutes, done }) =>
    `I ran out of time after ${count(minutes, 'minute')}. ${soFar(done)}Ask me for a smaller piece and I will try again.`,
  stuck: ({ minutes, done }) =>
    `I got stuck: nothing moved for ${count(minutes, 'minute')}, so I stopped. ${soFar(done)}Please ask me again.`,
  overloaded: () => 'Claude is overloaded right now. Please ask me again in a few minutes.',
  'overloaded-later': ({ seconds }) => `Claude is overloaded, I’ll try again in ${count(seconds, 'second')}.`,
  'not-authorised': () => 'I cannot reach Claude: my access was refused. Please tell whoever runs this bot.',
  'api-failed': () => 'I could not reach Claude just now. Please ask me again in a moment.',
  'too-many-steps': () =>
    'This took more steps than I am allowed. Ask me for a smaller piece and I will try again.',
  'gave-up': () =>
    'I was cut off three times while working on this one, so I stopped. Ask me again, perhaps in smaller pieces.',
  'out-of-memory': () =>
    'I ran out of memory on this one, so I stopped. Ask me for a smaller piece and I will try again.',
  'no-room': () =>
    'I am too busy: there was no free memory for this one for ten minutes. Please ask me again later.',
  'cannot-start': () =>
    'I could not start to work on this one. Please tell whoever runs this bot; the reason is in its log.',
  'memory-high': ({ percent, usedMb, limitMb }) =>
    `Memory is at ${percent} % (${usedMb} of ${limitMb} MB). I close idle sessions; new questions may have to wait.`,
  stopped: () => 'I was stopped before I could answer.',
  working: ({ doing }) =>
    `${doing === null ? 'Working on it' : doing.charAt(0).toUpperCase() + doing.slice(1)} …`,
  'in-doubt': ({ name }) => `I was restarted while answering ${name}; if no answer is above, ask me again.`,
  'was-away': () => '(I was away)',
  'workspace-full': ({ limitMb }) =>
    `My folder for this room holds more than ${limitMb} MB, so I cannot go on. Mention me with the word “new” to begin again without its files, or ask whoever runs this bot.`,
  'budget-used-up': ({ freeInMs, timeZone }) =>
    `Today’s budget is used up, so I cannot answer now. Ask me again after midnight (${timeZone}), in ${durationWords(freeInMs)}.`,
  'budget-level': ({ name, percent, spentUsd, budgetUsd }) =>
    `${name ?? 'All bots together'} spent ${money(spentUsd)} of today’s ${money(budgetUsd)} (${percent} %).${percent >= 100 ? ' Questions get a sentence instead of an answer until midnight.' : ''}`,
  withheld: () => 'My answer contained something secret, so I did not post it.',
  'file-gone': ({ filename }) => `I could not post ${filename} in time. Please ask me for it again.`,
  failed: () => 'Something went wrong on my side. Please ask me again.',
  'started-over': ({ exchanges }) =>
    exchanges === 0
      ? 'My memory of this conversation could not be used any more, so I start afresh.'
      : `My memory of this conversation could not be used any more, so I go on with only its last ${exchanges === 1 ? 'exchange' : `${exchanges} exchanges`}.`,
  stop: ({ stopped, withdrawn }) => {
    const dropped = withdrawn === 0 ? '' : ` I also dropped ${count(withdrawn, 'waiting message')} of yours.`;
    if (stopped) return `Stopped my work ${describe(stopped)}.${dropped}`;
    return withdrawn === 0
      ? 'There is nothing to stop.'
      : `Nothing was running. I dropped ${count(withdrawn, 'waiting message')} of yours.`;
  },
  new: ({ stopped }) =>
    `${stopped ? `Stopped my work ${describe(stopped)}. ` : ''}I have forgotten this conversation and emptied its working folder. Files that I shared stay until their links expire.`,
  status: ({ running, waiting, memory, today }) =>
    [
      running ? `I am working ${describe(running)}.` : 'I am not working on anything here.',
      waiting === 0 ? 'Nothing is waiting.' : `${count(waiting, 'message')} waiting.`,
      memory
        ? `I remember ${count(memory.turns, 'turn')} of this conversation, ${memory.beganMsAgo === null ? '' : `the first one ${durationWords(memory.beganMsAgo)} ago, `}the last one ${durationWords(memory.usedMsAgo)} ago.`
        : 'I remember nothing of this conversation yet.',
      `In all rooms today: ${count(today.turns, 'turn')}, ${money(today.usd)}${today.budgetUsd === null ? '' : ` of ${money(today.budgetUsd)}`}.`,
    ].join('\n'),
  help: ({ name, description, abilities }) =>
    [
      description === '' ? `I am ${name}.` : `I am ${name}: ${description}`,
      abilities === null ? 'Mention me and ask.' : `Mention me and ask. I can ${abilities}.`,
      'Said alone, these words steer me:',
      'stop: I stop what I am doing here and drop what you have waiting',
      'new: I forget this conversation and start afresh',
      'status: what I am doing, what waits, what I remember',
      'help: this',
    ].join('\n'),
  waiting: (sentence) => `${sentence.names.join(', ')}: ${waitWords(sentence)}`,
  'too-fast': ({ limit }) =>
    `That is more than ${limit} messages in a minute; I skip the rest. Please go on in a minute.`,
  bots: ({ limit }) => `Bots have called me more than ${limit} times in this minute; I let the rest go by.`,
  'full-here': ({ limit }) =>
    `${limit} messages are waiting for me here already; I skip this one. Please ask me again later.`,
  full: () => 'Too much is waiting for me everywhere; I skip this one. Please ask me again later.',
};

function waitWords({ position, reason, busyWith, names }: Of<'waiting'>): string {
  const reasons: Record<WaitReason, string> = {
    busy: busyWith === null ? 'I am still busy' : `I am still busy with a question of ${busyWith}`,
    overloaded: 'Claude is overloaded',
    memory: 'I have to wait for memory',
    starting: 'I am still starting',
    other: 'I cannot begin yet',
  };
  return names.length === 1
    ? `${reasons[reason]}. You are number ${position} in line.`
    : `${reasons[reason]}. You are numbers ${position} and on in line.`;
}

/** Goes on after "my work": `on the question of Ann, for 40 seconds by now, at this step: reading a.txt`. */
function describe({ name, forMs, step }: Running): string {
  const at = step === null ? '' : `, at this step: ${step}`;
  return `on the question of ${name}, for ${durationWords(forMs)} by now${at}`;
}

function soFar(done: string | null): string {
  return done === null ? '' : `So far I ${done}. `;
}

function money(usd: number): string {
  return usd > 0 && usd < 0.01 ? 'less than $0.01' : `$${usd.toFixed(2)}`;
}

function durationWords(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 100) return count(seconds, 'second');
  const minutes = Math.round(seconds / 60);
  if (minutes < 100) return count(minutes, 'minute');
  const hours = Math.round(minutes / 60);
  return hours < 48 ? count(hours, 'hour') : count(Math.round(hours / 24), 'day');
}

function count(n: number, unit: string): string {
  return `${n} ${unit}${n === 1 ? '' : 's'}`;
}
