import { memoryLimitStore } from '../memory/memory-store.ts';
import type { LimitStore, Refund, Reserve, Reserved, Take } from '../store.ts';
import type { Policy } from '../strategies/policy.ts';
import { createFakeClock } from './fake-clock.ts';

/** A store that others could share, in memory, for tests of a limiter: it writes down what it is asked, and can be away. */
export function sharedStore(clock = createFakeClock()) {
  const memory = memoryLimitStore({ clock });
  const asked: { what: 'take' | 'reserve' | 'refund'; key: string; reserve?: Reserve; refund?: Refund }[] = [];
  let away: Error | undefined;
  let hold: Promise<void> | undefined;
  const answer = async <T>(of: () => Promise<T>): Promise<T> => {
    if (away !== undefined) throw away;
    const held = hold;
    const answered = await of();
    await held;
    return answered;
  };
  const store: LimitStore = {
    scope: 'shared',
    strategies: memory.strategies,
    take(key, policies, cost, id): Promise<Take> {
      asked.push({ what: 'take', key });
      return answer(() => memory.take(key, policies, cost, id));
    },
    reserve(key, policies, cost, reserve): Promise<Reserved> {
      asked.push({ what: 'reserve', key, reserve });
      return answer(() => memory.reserve(key, policies, cost, reserve));
    },
    refund(key, policies, refund) {
      asked.push({ what: 'refund', key, refund });
      return answer(() => memory.refund(key, policies, refund));
    },
    peek: (...args) => answer(() => memory.peek(...args)),
    mixed: {
      take: (...args) => answer(() => memory.mixed.take(...args)),
      reserve: (...args) => answer(async () => (await memory.mixed.reserve?.(...args)) as Reserved),
      peek: (...args) => answer(() => memory.mixed.peek(...args)),
      refund: (...args) => answer(() => memory.mixed.refund(...args)),
    },
    block: (...args) => answer(() => memory.block(...args)),
    reset: (...args) => answer(() => memory.reset(...args)),
  };
  return {
    clock,
    memory,
    store,
    asked,
    counts: (what: string) => asked.filter((each) => each.what === what).length,
    goAway: (error?: Error) => (away = error),
    /** Answers wait until the promise that is given is over. */
    holdAnswers: (until?: Promise<void>) => (hold = until),
    left: async (key: string, policy: Policy) => (await memory.peek(key, [policy], 1))[0]?.remaining,
  };
}
