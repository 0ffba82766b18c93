import type { Running, WaitReason, Wording } from './sentence.ts';

export const chinese: Wording = {
  'empty-answer': () => '我已处理完，但没有可说的内容。',
  'timed-out': ({ minutes, done }) =>
    `${minutes} 分钟内没有完成，已停止。${soFar(done)}请把问题拆小一些，我再试一次。`,
  stuck: ({ minutes, done }) => `${minutes} 分钟内没有任何进展，已停止。${soFar(done)}请再问我一次。`,
  overloaded: () => 'Claude 目前负载过高，请过几分钟再问我。',
  'overloaded-later': ({ seconds }) => `Claude 目前负载过高，我会在 ${seconds} 秒后重试。`,
  'not-authorised': () => '我无法连接 Claude：访问被拒绝。请告知负责此机器人的人员。',
  'api-failed': () => '刚才无法连接 Claude，请稍后再问我。',
  'too-many-steps': () => '这个任务超出了允许的步骤数。请把问题拆小一些，我再试一次。',
  'gave-up': () => '处理这条消息时我三次被中断，已停止。请再问一次，最好拆成几部分。',
  'out-of-memory': () => '处理这条消息时内存不足，已停止。请把问题拆小一些，我再试一次。',
  'no-room': () => '我现在太忙：十分钟内没有空闲内存来处理这条消息。请稍后再问我。',
  'cannot-start': () => '我无法开始处理这条消息。请告知负责此机器人的人员，原因在日志中。',
  'memory-high': ({ percent, usedMb, limitMb }) =>
    `内存已使用 ${percent}%（${limitMb} MB 中的 ${usedMb} MB）。我正在关闭空闲会话，新问题可能需要等待。`,
  stopped: () => '我在回答之前被停止了。',
  working: ({ doing }) => `正在${doing ?? '处理'}…`,
  'in-doubt': ({ name }) => `我在回答 ${name} 时被重新启动；如果上面没有答案，请再问我一次。`,
  'was-away': () => '（我刚才不在）',
  'workspace-full': ({ limitMb }) =>
    `我在此房间的文件夹已超过 ${limitMb} MB，无法继续。提及我并发送“新对话”即可删除这些文件并重新开始，或联系负责此机器人的人员。`,
  'budget-used-up': ({ freeInMs, timeZone }) =>
    `今天的预算已用完，我现在无法回答。请在零点（${timeZone}）之后，即 ${durationWords(freeInMs)}后再问我。`,
  'budget-level': ({ name, percent, spentUsd, budgetUsd }) =>
    `${name ?? '所有机器人'}今天已花费 ${money(spentUsd)}，预算为 ${money(budgetUsd)}（${percent}%）。${percent >= 100 ? '零点之前不再回答问题。' : ''}`,
  withheld: () => '我的回答包含机密内容，因此没有发送。',
  'file-gone': ({ filename }) => `未能及时发送文件 ${filename}，请再向我要一次。`,
  failed: () => '我这边出了点问题，请再问一次。',
  'started-over': ({ exchanges }) =>
    exchanges === 0
      ? '我对本次对话的记忆已无法使用，现在重新开始。'
      : `我对本次对话的记忆已无法使用，现在只带着最近 ${exchanges} 轮对话继续。`,
  stop: ({ stopped, withdrawn }) => {
    const dropped = withdrawn === 0 ? '' : `同时撤回了你的 ${withdrawn} 条等待中的消息。`;
    if (stopped) return `已停止${describe(stopped)}。${dropped}`;
    return withdrawn === 0 ? '没有可以停止的内容。' : `当前没有在处理的内容。${dropped}`;
  },
  new: ({ stopped }) =>
    `${stopped ? `已停止${describe(stopped)}。` : ''}我已忘记本次对话并清空了工作文件夹。已分享的文件在链接过期前仍可下载。`,
  status: ({ running, waiting, memory, today }) =>
    [
      running ? `我正在处理${describe(running)}。` : '我目前没有在处理这里的内容。',
      waiting === 0 ? '没有等待中的消息。' : `有 ${waiting} 条消息在等待。`,
      memory
        ? `我记得本次对话的 ${memory.turns} 轮，${memory.beganMsAgo === null ? '' : `最早一轮在 ${durationWords(memory.beganMsAgo)}前，`}最近一轮在 ${durationWords(memory.usedMsAgo)}前。`
        : '我还没有本次对话的记忆。',
      `今天在所有房间：${today.turns} 轮，${money(today.usd)}${today.budgetUsd === null ? '' : `（预算 ${money(today.budgetUsd)}）`}。`,
    ].join('\n'),
  help: ({ name, description, abilities }) =>
    [
      description === '' ? `我是 ${name}。` : `我是 ${name}：${description}`,
      abilities === null ? '提及我并提问即可。' : `提及我并提问即可。我可以${abilities}。`,
      '单独发送以下词语可以控制我：',
      '停止：停止我在这里的工作，并撤回你等待中的消息',
      '新对话：忘记本次对话，重新开始',
      '状态：我在做什么、有什么在等待、我记得什么',
      '帮助：显示本说明',
    ].join('\n'),
  waiting: ({ names, position, reason, busyWith }) => {
    const reasons: Record<WaitReason, string> = {
      busy: busyWith === null ? '我还在忙' : `我还在处理 ${busyWith} 的问题`,
      overloaded: 'Claude 目前负载过高',
      memory: '我在等待可用内存',
      starting: '我还在启动',
      other: '我暂时还不能开始',
    };
    return `${names.join('、')}：${reasons[reason]}。你排在第 ${position} 位${names.length > 1 ? '起' : ''}。`;
  },
  'too-fast': ({ limit }) => `一分钟内超过了 ${limit} 条消息，其余的我先跳过，请过一分钟再继续。`,
  bots: ({ limit }) => `一分钟内其他机器人呼叫我超过了 ${limit} 次，其余的我不再回应。`,
  'full-here': ({ limit }) => `这里已有 ${limit} 条消息在等待，这一条我先跳过，请稍后再问我。`,
  full: () => '等待处理的消息太多，这一条我先跳过，请稍后再问我。',
};

function describe({ name, forMs, step }: Running): string {
  const at = step === null ? '' : `，当前步骤：${step}`;
  return ` ${name} 的问题（已用 ${durationWords(forMs)}${at}）`;
}

function soFar(done: string | null): string {
  return done === null ? '' : `目前为止我${done}。`;
}

function money(usd: number): string {
  return usd > 0 && usd < 0.01 ? '不到 $0.01' : `$${usd.toFixed(2)}`;
}

function durationWords(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 100) return `${seconds} 秒`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 100) return `${minutes} 分钟`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} 小时` : `${Math.round(hours / 24)} 天`;
}
