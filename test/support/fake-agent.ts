import type {
  Agent,
  AgentEnd,
  AgentResult,
  AgentStep,
  DeathCause,
  OpenAgent,
  Prompt,
  TurnHooks,
} from '../../src/agent/agent.ts';

/** An agent without a process, whose every move a test makes. */
export interface FakeAgent extends Agent {
  spec: Parameters<OpenAgent>[0];
  prompts: Prompt[];
  closed: boolean;
  comeUp(): void;
  /** Ends the running prompt. */
  finish(result?: AgentResult): void;
  die(cause?: string, death?: DeathCause): void;
  /** Whether it had taken up the prompt in which it dies. */
  began: boolean;
  /** Reports a step of the running prompt. */
  report(step: AgentStep): void;
  /** Makes the next close fail. */
  failClose: boolean;
  /** Neither an interrupt nor a close reaches it; only its death does. */
  deaf: boolean;
}

export function fakeAgents(): { open: OpenAgent; agents: FakeAgent[] } {
  const agents: FakeAgent[] = [];
  const open: OpenAgent = (spec) => {
    const up = Promise.withResolvers<void>();
    const end = Promise.withResolvers<AgentEnd>();
    let dead = false;
    let running: ((result: AgentResult) => void) | null = null;
    let hooks: TurnHooks | null = null;
    const finish = (result: AgentResult) => {
      running?.(result);
      running = null;
    };
    const agent: FakeAgent = {
      ...{ spec, prompts: [], closed: false, failClose: false, began: true, deaf: false },
      ...{ ready: up.promise, ended: end.promise },
      pid: () => (dead || agent.closed ? null : 4711),
      tree: () => spec.slot.id,
      comeUp: () => up.resolve(),
      finish: (result = { kind: 'answered', text: 'done', spent: null }) => finish(result),
      die(cause = 'signal SIGKILL', death = 'killed') {
        dead = true;
        finish({ kind: 'died', cause, death, began: agent.began });
        up.resolve();
        end.resolve({ cause, death });
      },
      report: (step) => hooks?.onStep(step),
      run(prompt, given) {
        agent.prompts.push(prompt);
        hooks = given;
        return new Promise((resolve) => {
          running = resolve;
        });
      },
      async interrupt() {
        if (agent.deaf) await end.promise;
        finish({ kind: 'interrupted', spent: null });
      },
      async close() {
        if (agent.deaf) await end.promise;
        if (agent.failClose) {
          agent.failClose = false;
          throw new Error('Processes 1 did not end');
        }
        finish({ kind: 'interrupted', spent: null });
        agent.closed = true;
        up.resolve();
        end.resolve({ cause: 'closed', death: 'exit' });
        return { forced: null };
      },
    };
    agents.push(agent);
    return agent;
  };
  return { open, agents };
}
