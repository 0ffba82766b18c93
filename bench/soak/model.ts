import { type ChatCompletionRequest, LLMock } from '@copilotkit/aimock';
import { type ScriptedModel, wordsIn } from '../../src/playground/model.ts';

/** A model that does what the soak says: answers with a token, streams for a long time, or runs a command. */
export interface SoakModel extends ScriptedModel {
  /** From now on a message `run <name>` calls Bash with this command. */
  command(name: string, script: string): void;
  /** All commands so far. */
  scripts(): readonly string[];
}

/** One chunk of a streamed answer, and how many: some twenty seconds, longer than anybody looks at it. */
const chunk = { characters: 10, everyMs: 200 };
const streamed = 'word '.repeat(200);

export async function startSoakModel(): Promise<SoakModel> {
  const mock = new LLMock({ port: 0, host: '127.0.0.1', journalMaxEntries: 50, logLevel: 'silent' });
  const commands = new Map<string, string>();
  let calls = 0;

  const respond = (request: ChatCompletionRequest) => {
    calls++;
    const { text, toolResults } = wordsIn(request);
    const [, verb = 'answer', name = '', token = name] = /(\w+) (\S+)(?: (\S+))?/.exec(text) ?? [];
    const script = verb === 'run' ? commands.get(name) : undefined;
    if (script !== undefined && toolResults.length === 0) {
      const call = { command: script, description: name };
      return { toolCalls: [{ name: 'Bash', arguments: JSON.stringify(call) }] };
    }
    return { content: verb === 'stream' ? streamed : `Answer ${token}.` };
  };
  mock.addFixture({
    match: { predicate: (request) => /stream /.test(wordsIn(request).text) },
    response: respond,
    chunkSize: chunk.characters,
    latency: chunk.everyMs,
  });
  mock.addFixture({ match: { predicate: () => true }, response: respond, chunkSize: 200 });
  const url = await mock.start();
  return {
    ...{ url, skipPacing: () => {}, close: () => mock.stop() },
    get calls() {
      return calls;
    },
    scripts: () => [...commands.values()],
    command: (name, script) => void commands.set(name, script),
  };
}
