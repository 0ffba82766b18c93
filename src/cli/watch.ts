import type { App } from '../app.ts';
import type { ServiceFact, WatchedService } from '../playground/chat/service-feed.ts';
import type { Emit } from '../telemetry/events.ts';

/** Lets the playground's page watch a service that is started after the page was built. */
export interface Watch {
  emit: Emit;
  attach(app: App): void;
  service: WatchedService;
}

export function createWatch(more: () => Record<string, unknown>): Watch {
  const listeners = new Set<(fact: ServiceFact) => void>();
  let app: App | null = null;
  return {
    emit(event) {
      for (const listener of listeners) listener({ ...event });
    },
    attach: (started) => {
      app = started;
    },
    service: {
      subscribe(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      snapshot: async () => ({ ...(await app?.snapshot()), ...more() }),
      async killAgent(session) {
        const { sessions = [] } = (await app?.snapshot()) ?? {};
        const pid = sessions.filter(isLive).find(({ id }) => id === session)?.pid;
        if (!pid) return false;
        process.kill(pid, 'SIGKILL');
        return true;
      },
    },
  };
}

/** Sessions come as the API promises them: `pid` is that of `claude`, null while it starts or ends. */
function isLive(session: unknown): session is { id: string; pid: number } {
  return typeof session === 'object' && session !== null && 'pid' in session && Number(session.pid) > 0;
}
