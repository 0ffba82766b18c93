/**
 * A lifecycle fact of the service in words: `{ text, detail, ms, tone }`. Those below have words of their own; every
 * other one is read from its name and its fields, so that a new fact shows without an edit here.
 */

const ways = {
  hot: 'The live session takes it',
  resumed: 'Resumes with its memory',
  opened: 'A new session opens',
  claimed: 'A spare process is claimed',
};
const outcomes = {
  answered: ['Answered', 'good'],
  stopped: ['Stopped', 'wait'],
  failed: ['Failed, with a sentence for the room', 'bad'],
  undeliverable: ['Cannot be delivered', 'bad'],
};
const closings = {
  idle: 'Idle, closed',
  died: 'Died, closed',
  retry: 'Closed at another try',
  operator: 'Closed by the operator',
};

const known = {
  'message.accepted': ({ ackMs }) => ({ text: 'Accepted: it is on disk', ms: ackMs }),
  'message.control': ({ word }) => ({ text: `Heard “${word}”`, tone: 'hot' }),
  'message.waiting': ({ reason }) => ({
    text: 'The room is told that it waits',
    detail: reason,
    tone: 'wait',
  }),
  'message.duplicate': () => ({ text: 'The same webhook again: recognised', tone: 'good' }),
  'turn.waiting': ({ reason, detail }) => ({ text: `Waits: ${reason}`, detail, tone: 'wait' }),
  'turn.started': ({ path, attempt }) => ({
    text: ways[path] ?? `Session: ${path}`,
    detail: attempt > 1 ? `try ${attempt}` : '',
    tone: path === 'opened' ? '' : 'hot',
  }),
  'session.opening': ({ detail }) => ({ text: 'Starts claude', detail }),
  'session.opened': ({ pid, openMs }) => ({ text: 'claude is up', detail: `pid ${pid}`, ms: openMs }),
  'session.closed': ({ reason, closeMs, forced }) => ({
    text: closings[reason] ?? `Closed: ${reason}`,
    detail: forced ? `ended with ${forced}` : '',
    ms: closeMs,
  }),
  'session.expired': ({ idleSeconds }) => ({ text: `Was idle for ${idleSeconds} s` }),
  'session.evicted': ({ detail }) => ({ text: 'Closed to make room', detail, tone: 'wait' }),
  'session.died': ({ cause }) => ({ text: 'The process died', detail: cause, tone: 'bad' }),
  'session.stale': ({ problem }) => ({
    text: 'No memory to resume: starts afresh',
    detail: problem,
    tone: 'bad',
  }),
  'turn.step': ({ tool, ...rest }) => ({
    text: nameOfTool(tool),
    detail: rest.detail ?? '',
    tone: 'step',
  }),
  'turn.retried': ({ cause }) => ({ text: 'Cut off: tries again', detail: cause, tone: 'bad' }),
  'turn.spent': ({ costUsd, tokens: { input, output, cacheRead, cacheWrite } }) => ({
    text: `Cost $${costUsd.toFixed(4)}`,
    detail: `${input + cacheRead + cacheWrite} tokens in, ${output} out`,
  }),
  'turn.decided': ({ outcome, durationMs, cause }) => {
    const [text, tone] = outcomes[outcome] ?? [outcome, ''];
    return { text, detail: cause ?? '', ms: durationMs, tone };
  },
  'delivery.sent': ({ ordinal }) => ({
    text: ordinal > 0 ? `Posted part ${ordinal + 1}` : 'Posted to Campfire',
    tone: 'good',
  }),
  'delivery.retrying': ({ problem, retryMs }) => ({
    text: 'Campfire does not take it; tries again',
    detail: problem,
    ms: retryMs,
    tone: 'wait',
  }),
  'delivery.gave_up': ({ problem }) => ({ text: 'Could not be delivered', detail: problem, tone: 'bad' }),
  'delivery.in_doubt': ({ resolution }) => ({
    text: 'A post was interrupted',
    detail: resolution,
    tone: 'wait',
  }),
  'service.started': ({ version, containment }) => ({
    text: `Ready, version ${version}`,
    detail: `${containment} containment`,
    tone: 'good',
  }),
  'bots.loaded': ({ bots }) => ({ text: `Bots: ${bots.join(', ')}` }),
  'webhook.refused': ({ status, reason }) => ({
    text: `Webhook refused with ${status}`,
    detail: reason,
    tone: 'bad',
  }),
};

/** Fields that say where a fact belongs, or that every fact has. */
const placed = new Set(['type', 'session', 'turn', 'at', 'n', 'messageId', 'messageIds', 'campfireId']);

export function describe(fact) {
  const words = known[fact.type]?.(fact) ?? generic(fact);
  return { detail: '', ms: null, tone: '', ...words };
}

function generic({ type, ...fields }) {
  const shown = Object.entries(fields).filter(
    ([key, value]) => !placed.has(key) && value !== null && value !== '' && value?.length !== 0,
  );
  const durations = shown.filter(([key, value]) => key.endsWith('Ms') && typeof value === 'number');
  const [only] = durations.length === 1 ? durations : [];
  return {
    text: sentenceOf(type),
    detail: shown
      .filter((entry) => entry !== only)
      .map(([key, value]) => `${wordsOf(key)} ${readable(value)}`)
      .join(' · '),
    ms: only?.[1] ?? null,
    tone: toneOf(type),
  };
}

/** `session.close_failed` as “Session: close failed”. */
function sentenceOf(type) {
  const [subject = '', ...rest] = type.split('.');
  const words = wordsOf(rest.join(' '));
  return `${subject.charAt(0).toUpperCase()}${subject.slice(1)}${words ? `: ${words}` : ''}`;
}

/** `idleSeconds` as “idle seconds”. */
function wordsOf(name) {
  return name
    .replaceAll('_', ' ')
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase();
}

function readable(value) {
  if (Array.isArray(value)) return value.map(readable).join(', ');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function toneOf(type) {
  if (/fail|died|gave_up|refused|problem|lost|corrupt|degraded/.test(type)) return 'bad';
  if (/wait|retr|evict|queue|doubt|limit/.test(type)) return 'wait';
  return /sent|done|claimed|recovered|ready/.test(type) ? 'good' : '';
}

/** `mcp__campfire__save_file` as “save_file”. */
function nameOfTool(tool) {
  return String(tool).replace(/^mcp__\w+?__/, '');
}
