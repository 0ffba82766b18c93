import type { Census } from '../../src/processes/census.ts';
import type { Ledger } from '../../src/processes/ledger.ts';
import type { Reaper } from '../../src/processes/reaper.ts';

/** Looks like the reaper and ends nothing; see without-reaper.ts. */
export function createReaper({ ledger, census }: { ledger: Ledger; census: Census }): Reaper {
  const membersOf = (tag: string) => census.take().filter((member) => member.tag === tag);
  return {
    ...{ membersOf, recentMembersOf: membersOf },
    async endTree(tag) {
      ledger.strike(tag);
      return { killed: [] };
    },
    reapUnowned: async () => ({ killed: [], slots: [], stuck: [] }),
  };
}
