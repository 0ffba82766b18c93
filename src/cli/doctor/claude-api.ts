import {
  type IncomingMessage,
  Agent as PlainAgent,
  request as plainRequest,
  type RequestOptions,
} from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import type { Bot } from '../../config/bot.ts';
import { inheritedEnvironment, type Settings } from '../../config/settings.ts';
import { systemClock as clock } from '../../lib/clock.ts';
import { type Check, type Finding, fail, ok, warn } from './finding.ts';

/** Whether Claude answers with what the agents are given: asked for one token, as the Messages API takes it. */

/** Small and cheap; asked for where no bot names a model that the API would know. */
const usualModel = 'claude-haiku-4-5';
const timeoutMs = 20_000;
const answerMaxBytes = 64 * 1024;

interface Credential {
  name: 'ANTHROPIC_API_KEY' | 'CLAUDE_CODE_OAUTH_TOKEN';
  headers: Record<string, string>;
  /** A subscription's token is for Claude Code only, which names itself. */
  system: string | null;
}

export function claudeApiChecks(settings: Settings, bots: readonly Bot[]): Check[] {
  const credentials = credentialsOf(settings);
  if (credentials.length === 0) {
    const run = () =>
      fail(
        'Neither ANTHROPIC_API_KEY nor CLAUDE_CODE_OAUTH_TOKEN is set.',
        'Set one of them, or run `bin/dev` to try everything with a scripted model.',
      );
    return [{ name: 'claude api', run }];
  }
  // An alias such as "sonnet" is for `claude` to resolve; the API would not know it.
  const named = [...new Set(bots.flatMap(({ model }) => (model?.startsWith('claude-') ? [model] : [])))];
  const base = settings.anthropicBaseUrl ?? 'https://api.anthropic.com';
  return [
    {
      name: 'claude api',
      async run() {
        const findings: Finding[] = [];
        for (const credential of credentials)
          for (const model of named.length > 0 ? named : [usualModel])
            findings.push(await tryModel(base, credential, model, named.length > 0));
        return worstOf(findings);
      },
    },
  ];
}

function credentialsOf({ anthropicApiKey: key, claudeCodeOauthToken: token }: Settings): Credential[] {
  const found: Credential[] = [];
  if (key !== undefined)
    found.push({ name: 'ANTHROPIC_API_KEY', headers: { 'x-api-key': key }, system: null });
  if (token !== undefined) {
    found.push({
      name: 'CLAUDE_CODE_OAUTH_TOKEN',
      headers: { authorization: `Bearer ${token}`, 'anthropic-beta': 'oauth-2025-04-20' },
      system: "You are Claude Code, Anthropic's official CLI for Claude.",
    });
  }
  return found;
}

/** The first that failed, else the first warning, else all that went well in one. */
function worstOf(findings: readonly Finding[]): Finding {
  const of = (verdict: Finding['verdict']) => findings.find((finding) => finding.verdict === verdict);
  return of('fail') ?? of('warn') ?? ok(findings.map(({ detail }) => detail).join('\n'));
}

type Answer = { status: number; text: string } | { status: null; cause: string };

async function tryModel(
  base: string,
  credential: Credential,
  model: string,
  isNamed: boolean,
): Promise<Finding> {
  const startedMs = clock.monotonicMs();
  const answer = await ask(`${base}/v1/messages`, credential, {
    ...{ model, max_tokens: 1, messages: [{ role: 'user', content: 'Hi' }] },
    ...(credential.system === null ? {} : { system: credential.system }),
  });
  const tookMs = Math.round(clock.monotonicMs() - startedMs);
  if (answer.status === null) return unreachable(base, answer.cause);
  const { type, message } = problemIn(answer.text);
  const said = message === null ? '' : ` (${message})`;
  const { name } = credential;
  switch (answer.status) {
    case 200:
      return type === 'message'
        ? ok(`${model} answers with ${name}, in ${tookMs} ms.`)
        : fail(`What answers at ${base} is not the Claude API.`, 'Check ANTHROPIC_BASE_URL.');
    case 401:
      return fail(
        `${name} is refused${said}.`,
        `Copy it anew from where it was made, without spaces or quotes, into ${name}.`,
      );
    case 403:
      return fail(
        `${name} may not use ${model}${said}.`,
        'Look at the rights of its workspace or subscription, and whether Claude is offered where this machine is.',
      );
    case 404:
      return isNamed
        ? fail(
            `There is no model ${model} for ${name}${said}.`,
            'Correct "model" in the bot’s file, or leave it out.',
          )
        : warn(
            `${name} is taken, but ${model} is not there to try it with${said}.`,
            'Nothing, if the bots answer: it is a gateway with models of its own.',
          );
    case 429:
      return warn(
        `${name} is taken, but its limit is reached now${said}.`,
        'Wait, or raise the limit; until then bots tell people to ask again later.',
      );
    case 400:
    case 402:
      return fail(
        `The API does not take a question with ${name}${said}.`,
        /credit|billing/i.test(said)
          ? 'Add credit to its account.'
          : 'The message says what it misses; a gateway may take other models.',
      );
    default:
      return answer.status >= 500
        ? warn(
            `Claude is not well just now: HTTP ${answer.status}${said}.`,
            'Try again in some minutes; bots retry by themselves.',
          )
        : fail(
            `What answers at ${base} is not the Claude API: HTTP ${answer.status}${said}.`,
            'Check ANTHROPIC_BASE_URL.',
          );
  }
}

function unreachable(base: string, cause: string): Finding {
  const { hostname } = new URL(base);
  const remedy =
    cause === 'ENOTFOUND' || cause === 'EAI_AGAIN'
      ? `Make names resolve here (DNS), or correct ANTHROPIC_BASE_URL: ${hostname} is not known.`
      : /CERT|SIGNED|UNABLE_TO/.test(cause)
        ? 'Name the certificate of your proxy or gateway in NODE_EXTRA_CA_CERTS.'
        : `Let this machine reach ${hostname}, directly or through HTTPS_PROXY.`;
  return fail(`${base} cannot be reached (${cause}).`, remedy);
}

function ask(url: string, { headers }: Credential, body: unknown): Promise<Answer> {
  const secure = url.startsWith('https:');
  const options: RequestOptions = {
    ...{ method: 'POST', signal: clock.timeout(timeoutMs) },
    headers: { 'content-type': 'application/json', 'anthropic-version': '2023-06-01', ...headers },
    // Through the same proxies as the agents.
    agent: new (secure ? TlsAgent : PlainAgent)({ proxyEnv: inheritedEnvironment() }),
  };
  return new Promise((resolve) => {
    const outgoing = (secure ? tlsRequest : plainRequest)(url, options, (incoming) => {
      textOf(incoming).then(
        (text) => resolve({ status: incoming.statusCode ?? 0, text }),
        (error: NodeJS.ErrnoException) => resolve({ status: null, cause: error.code ?? error.name }),
      );
    });
    outgoing.on('error', (error: NodeJS.ErrnoException) =>
      resolve({ status: null, cause: options.signal?.aborted ? 'timeout' : (error.code ?? error.name) }),
    );
    outgoing.end(JSON.stringify(body));
  });
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of incoming.setEncoding('utf8') as AsyncIterable<string>)
    if (text.length < answerMaxBytes) text += chunk;
  return text;
}

/** What the API says is wrong, cut to a line: a gateway may answer with a page. */
function problemIn(text: string): { type: string | null; message: string | null } {
  try {
    const { type, error } = JSON.parse(text) as { type?: unknown; error?: { message?: unknown } };
    const message = typeof error?.message === 'string' ? error.message.slice(0, 200) : null;
    return { type: typeof type === 'string' ? type : null, message };
  } catch {
    return { type: null, message: null };
  }
}
