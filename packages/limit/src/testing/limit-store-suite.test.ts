import { limitStoreSuite } from './limit-store-suite.ts';
import { pureStore } from './pure-store.ts';
import { ALL_STRATEGIES } from './walked-policies.ts';

// The judge keeps to the examples, too.
limitStoreSuite({
  name: 'the pure steps',
  create: async ({ clock }) => {
    const pure = pureStore(clock);
    return {
      store: {
        scope: 'process',
        strategies: new Set(ALL_STRATEGIES),
        take: async (...args) => pure.take(...args),
        reserve: async (...args) => pure.reserve(...args),
        peek: async (...args) => pure.peek(...args),
        refund: async (...args) => pure.refund(...args),
        block: async (...args) => pure.block(...args),
        reset: async (...args) => pure.reset(...args),
        mixed: {
          take: async (...args) => pure.take(...args),
          reserve: async (...args) => pure.reserve(...args),
          peek: async (...args) => pure.peek(...args),
          refund: async (...args) => pure.refund(...args),
        },
      },
    };
  },
});
