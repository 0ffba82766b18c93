import { fork } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { treeOf } from './processes.ts';
import type { RawCommand, RawReply } from './raw-host.ts';
import { until } from './until.ts';

/** The Agent SDK without this product, in a process of its own (raw-host.ts). */
export interface Raw {
  pid: number;
  ask(command: RawCommand): Promise<RawReply>;
  /** Its sessions' processes, without the program that holds them. */
  sessionPids(): number[];
  close(): Promise<void>;
}

interface Answer {
  id: number;
  reply?: RawReply;
  problem?: string;
}

/** `folder` holds its transcripts; `env` tells where the model is. */
export function startRaw(folder: string, env: Record<string, string>): Raw {
  mkdirSync(join(folder, 'temp'), { recursive: true });
  const { PATH, LANG } = process.env;
  const child = fork(join(import.meta.dirname, 'raw-host.ts'), [folder], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    env: { PATH, LANG, ...env },
  });
  const asked = new Map<number, PromiseWithResolvers<RawReply>>();
  let lastId = 0;
  let ended: string | null = null;
  child.on('message', ({ id, reply, problem }: Answer) => {
    const asking = asked.get(id);
    asked.delete(id);
    if (reply) asking?.resolve(reply);
    else asking?.reject(new Error(problem));
  });
  child.on('exit', (code, signal) => {
    ended = `The baseline ended with ${signal ?? code}.`;
    for (const asking of asked.values()) asking.reject(new Error(ended));
  });
  return {
    pid: child.pid ?? 0,
    ask(command) {
      if (ended !== null) return Promise.reject(new Error(ended));
      const asking = Promise.withResolvers<RawReply>();
      asked.set(++lastId, asking);
      child.send({ id: lastId, command });
      return asking.promise;
    },
    sessionPids: () => treeOf(child.pid ?? 0).filter((pid) => pid !== child.pid),
    async close() {
      if (ended === null) child.disconnect();
      await until(() => ended !== null, { what: 'the baseline to end' });
    },
  };
}
