import { execFileSync } from 'node:child_process';
import type { RedisServer } from './redis.ts';

/** One machine's way to a Redis that is in a network of its own. */
export interface Cable {
  /** Where that machine finds Redis. */
  url: string;
  /** From now on nothing arrives at either end, and neither end hears of it. */
  cut(): void;
  mend(): void;
}

/**
 * Lays a cable, the `n`th of this Redis. Nothing is left of it when Redis has ended: the network goes with its only
 * process, and both ends with the network.
 */
export function cableTo({ port, pid }: RedisServer, n: number): Cable {
  // Reserved for a future that never came: nobody has such addresses.
  const network = `240.${port >> 8}.${port & 255}`;
  const [here, there] = [`${network}.${4 * n + 1}`, `${network}.${4 * n + 2}`];
  const [near, far] = [`cf${port}n${n}`, `n${n}`];
  const inside = (...command: string[]) => run('nsenter', '--target', `${pid()}`, '--net', ...command);
  run('ip', ...['link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', `${pid()}`]);
  run('ip', 'address', 'add', `${here}/30`, 'dev', near);
  run('ip', 'link', 'set', near, 'up');
  inside('ip', 'address', 'add', `${there}/30`, 'dev', far);
  inside('ip', 'link', 'set', far, 'up');
  return {
    url: `redis://${there}:${port}/0`,
    cut() {
      run('tc', ...swallow(near));
      inside('tc', ...swallow(far));
    },
    mend() {
      run('tc', 'qdisc', 'del', 'dev', near, 'root');
      inside('tc', 'qdisc', 'del', 'dev', far, 'root');
    },
  };
}

/** Why no cable can be cut here, as in a container without rights over its network; undefined where it can. */
export function noCables(): string | undefined {
  try {
    run('unshare', '--net', 'ip', 'link', 'add', 'near', 'type', 'veth', 'peer', 'name', 'far');
    return undefined;
  } catch {
    return 'needs root, and a kernel with network namespaces and veth';
  }
}

const swallow = (device: string) => ['qdisc', 'replace', 'dev', device, 'root', 'blackhole'];

function run(program: string, ...args: string[]): void {
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
