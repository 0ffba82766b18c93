import type { AgentStep } from '../agent/agent.ts';
import type { Language } from '../config/bot.ts';

/** What a running turn has done and does, gathered from its agent's reports and put into words for the room. */

export type ToolStep = Extract<AgentStep, { kind: 'tool' }>;

export interface Progress {
  hear(step: AgentStep, nowMs: number): void;
  /** The newest step; null before the first. */
  current(): ToolStep | null;
  /** What one would see over its shoulder. */
  view(): View;
  /** Every step so far, in order, as far as they are remembered. */
  done(): readonly ToolStep[];
  toolsRunning(): number;
  /** When the agent last gave a sign of life, in the caller's time; null before the first. */
  lastSignMs(): number | null;
  /** How many exchanges a fresh memory began with, if it is one that nobody has been told of. */
  startedOverWith(): number | null;
}

/** `text`: the reply that is being written, as far as it goes. */
export type View = { kind: 'thinking' } | { kind: 'tool'; step: ToolStep } | { kind: 'text'; text: string };

/** A turn of a thousand steps is told by its last ones. */
const rememberedMax = 100;

export function createProgress(): Progress {
  const steps: ToolStep[] = [];
  let running = 0;
  let lastSignMs: number | null = null;
  let startedOverWith: number | null = null;
  let view: View = { kind: 'thinking' };
  return {
    hear(step, nowMs) {
      lastSignMs = nowMs;
      if (step.kind === 'started-over') startedOverWith = step.exchanges;
      if (step.kind === 'tool-ended') running = Math.max(0, running - 1);
      if (step.kind === 'text') view = viewAfter(view, step);
      if (step.kind !== 'tool') return;
      running++;
      view = { kind: 'tool', step };
      steps.push(step);
      if (steps.length > rememberedMax) steps.shift();
    },
    current: () => steps.at(-1) ?? null,
    view: () => view,
    done: () => steps,
    toolsRunning: () => running,
    lastSignMs: () => lastSignMs,
    startedOverWith: () => startedOverWith,
  };
}

/** A reply that only begins leaves what was to be seen before it. */
function viewAfter(view: View, { text, begins }: Extract<AgentStep, { kind: 'text' }>): View {
  const before = view.kind === 'text' && !begins ? view.text : '';
  if (text !== '') return { kind: 'text', text: before + text };
  return begins && view.kind === 'text' ? { kind: 'thinking' } : view;
}

/** [what it does, what it did] with its target, per language. */
type Words = readonly [doing: string, did: string, zh: string];

const tools: Readonly<Record<string, Words>> = {
  Read: ['reading', 'read', '读取'],
  Write: ['writing', 'wrote', '写入'],
  Edit: ['changing', 'changed', '修改'],
  Glob: ['looking for files', 'looked for files', '查找文件'],
  Grep: ['searching files', 'searched files', '搜索文件内容'],
  Bash: ['running a command', 'ran a command', '运行命令'],
  WebSearch: ['searching the web', 'searched the web', '搜索网页'],
  WebFetch: ['reading a web page', 'read a web page', '阅读网页'],
  Agent: ['working on a part of it', 'worked on a part of it', '处理其中一部分'],
  Task: ['working on a part of it', 'worked on a part of it', '处理其中一部分'],
  TodoWrite: ['planning', 'planned', '制定计划'],
  mcp__campfire__save_file: ['saving a file', 'saved a file', '保存文件'],
  mcp__campfire__save_html_presentation: ['saving a page', 'saved a page', '保存网页'],
  mcp__campfire__attach_file: ['attaching a file', 'attached a file', '添加附件'],
};

/** What a step does, in words that go on after "I am": `reading report.xlsx`. */
export function doingWords(step: ToolStep, language: Language): string {
  return words(step, language === 'en' ? 0 : 2, language);
}

/** The last few steps, in words that go on after "I": `read report.xlsx and wrote note.txt`; null when there are none. */
export function doneWords(steps: readonly ToolStep[], language: Language): string | null {
  const said = [...new Set(steps.map((step) => words(step, language === 'en' ? 1 : 2, language)))];
  if (said.length === 0) return null;
  const list = new Intl.ListFormat(language, { type: 'conjunction' });
  return list.format(said.slice(-4));
}

/** What a bot can do with its tools, in words that go on after "I can": for `help`. */
export function abilityWords(names: readonly string[], language: Language): string | null {
  const known = names.flatMap((name) => abilities[name]?.[language === 'en' ? 0 : 1] ?? []);
  if (known.length === 0) return null;
  return new Intl.ListFormat(language, { type: 'conjunction' }).format(new Set(known));
}

const abilities: Readonly<Record<string, readonly [en: string, zh: string]>> = {
  Read: ['read files', '读取文件'],
  Write: ['write files', '写入文件'],
  Edit: ['change files', '修改文件'],
  Glob: ['search files', '搜索文件'],
  Grep: ['search files', '搜索文件'],
  Bash: ['run commands', '运行命令'],
  WebSearch: ['search the web', '搜索网页'],
  WebFetch: ['read web pages', '阅读网页'],
};

function words({ name, target }: ToolStep, column: 0 | 1 | 2, language: Language): string {
  const known = tools[name];
  if (!known) {
    const tool = name.replace(/^mcp__[^_]+__/, '').replaceAll('_', ' ');
    return language === 'en' ? `${column === 0 ? 'using' : 'used'} ${tool}` : `使用 ${tool}`;
  }
  const takesTarget = ['Read', 'Write', 'Edit'].includes(name);
  const file = language === 'en' ? 'a file' : '文件';
  return takesTarget ? `${known[column]} ${target ?? file}` : known[column];
}
