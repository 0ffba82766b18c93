import type { Settings } from '../../config/settings.ts';
import { type Check, type Finding, ok, warn } from './finding.ts';

/** Whether the Redis that machines share answers and keeps what it is given; nothing to look at without REDIS_URL. */
export function redisChecks({ redisUrl }: Settings): Check[] {
  return redisUrl === undefined ? [] : [{ name: 'redis', run: () => look(redisUrl) }];
}

async function look(url: string): Promise<Finding> {
  // One machine alone does not load a Redis client.
  const { openRedis } = await import('../../store/redis.ts');
  const { forgetfulness, forgetfulRemedy } = await import('../../app/shared-redis.ts');
  const store = await openRedis(url);
  try {
    const problem = await forgetfulness(store);
    if (problem !== null) return warn(problem, forgetfulRemedy);
    const [, version = 'unknown'] =
      /redis_version:(\S+)/.exec(await store.call<string>('INFO', 'server')) ?? [];
    return ok(`Redis ${version} answers, writes down what it is given and throws nothing away.`);
  } finally {
    await store.close();
  }
}
