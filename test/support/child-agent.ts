import type { Agent, AgentEnd, AgentResult, OpenAgent } from '../../src/agent/agent.ts';
import type { Child, Supervisor } from '../../src/processes/child.ts';

/** Answers each line of input; leaves behind one child in a session of its own and one without a parent. */
const script = `
(setsid sleep 1000 &)
setsid sleep 1000 &
echo ready
while read -r line; do
  if [ "$line" = slow ]; then sleep 0.3; fi
  echo "$line"
done`;

/** Agents that are real supervised processes, but a shell script in place of \`claude\`: they start in milliseconds. */
export function childAgents(supervisor: Supervisor): OpenAgent {
  return ({ slot }) => {
    const child = supervisor.spawn({
      ...{ command: 'bash', args: ['-c', script], cwd: slot.work, slot: slot.root },
      env: { PATH: process.env.PATH ?? '' },
    });
    return agentOver(child);
  };
}

function agentOver(child: Child): Agent {
  const up = Promise.withResolvers<void>();
  const ended = child.exited.then(({ code, signal }): AgentEnd => {
    return { cause: `exit ${signal ?? code}`, death: 'killed' };
  });
  let answer: ((result: AgentResult) => void) | null = null;
  child.process.stdout.setEncoding('utf8').on('data', (text: string) => {
    up.resolve();
    const said = text.replace('ready\n', '').trim();
    if (said !== '') answer?.({ kind: 'answered', text: said, spent: null });
  });
  void ended.then((end) => {
    up.resolve();
    answer?.({ kind: 'died', ...end, began: true });
  });
  return {
    ready: up.promise,
    ended,
    pid: () => child.programPid(),
    tree: () => child.tag,
    run({ text }) {
      return new Promise((resolve) => {
        answer = resolve;
        child.process.stdin.write(`${text}\n`);
        if (child.process.exitCode !== null || child.process.signalCode !== null)
          resolve({ kind: 'died', cause: 'it had ended', death: 'killed', began: false });
      });
    },
    interrupt: async () => answer?.({ kind: 'interrupted', spent: null }),
    async close() {
      answer?.({ kind: 'interrupted', spent: null });
      return child.end({ eofMs: 400, termMs: 200 });
    },
  };
}
