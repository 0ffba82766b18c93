import { after } from 'node:test';
import { createRedisMail } from '../../src/mail/redis.ts';
import { mailContract } from '../contract/mail.ts';
import { givenOwnership } from '../support/redis-ownership.ts';
import { assertTidy, conversations, sharedRedis } from './redis-stage.ts';

const redis = sharedRedis(after);

/** Each life of a service has a connection of its own. */
mailContract('redis', async (clock) => {
  let { store, prefix } = await redis.connect();
  const ownership = givenOwnership(store, 'a');
  await ownership.give(conversations);
  return {
    mail: createRedisMail(store, clock, ownership),
    async reopen() {
      await store.close();
      ({ store } = await redis.connect(prefix));
      return createRedisMail(store, clock, ownership);
    },
    atRest: () => assertTidy(store),
    close: () => store.close(),
  };
});
