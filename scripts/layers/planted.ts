/** Files that break a layer rule on purpose, one rule each. `check` fails unless Biome refuses every one of them. */
export interface Planted {
  readonly path: string;
  readonly source: string;
  /** What Biome must report for it. */
  readonly rule: string;
}

const imports = (from: string) => `import thing from '${from}';\nexport const value = thing;\n`;
const restricted = 'lint/style/noRestrictedImports';

export const planted: readonly Planted[] = [
  { path: 'packages/limit/src/core/knows-node.ts', source: imports('node:fs'), rule: restricted },
  { path: 'packages/limit/src/core/knows-npm.ts', source: imports('zod'), rule: restricted },
  {
    path: 'packages/limit/src/core/knows-its-adapter.ts',
    source: imports('../redis/redis-store.ts'),
    rule: restricted,
  },
  { path: 'packages/limit/src/core/knows-redis.ts', source: imports('@spillway/redis'), rule: restricted },
  {
    path: 'packages/limit/src/core/reads-the-clock.ts',
    source: 'export const value = Date.now();\n',
    rule: 'lint/style/noRestrictedGlobals',
  },
  { path: 'packages/limit/src/core/rolls-dice.ts', source: 'export const value = Math.random();\n', rule: 'plugin' },
  { path: 'packages/limit/src/knows-redis.ts', source: imports('@spillway/redis'), rule: restricted },
  { path: 'packages/limit/src/memory/goes-sideways.ts', source: imports('@spillway/cache'), rule: restricted },
  { path: 'packages/limit/src/redis/knows-a-client.ts', source: imports('ioredis'), rule: restricted },
  { path: 'packages/limit/src/knows-a-framework.ts', source: imports('express'), rule: restricted },
  { path: 'packages/limit/src/http/knows-redis.ts', source: imports('@spillway/redis'), rule: restricted },
  { path: 'packages/events/src/sql/owns-a-pool.ts', source: imports('pg'), rule: restricted },
  { path: 'packages/ids/src/knows-the-app.ts', source: imports('@spillway/links'), rule: restricted },
  { path: 'packages/ids/src/reaches-into-a-package.ts', source: imports('../../redis/src/link.ts'), rule: restricted },
  { path: 'packages/ids/src/uses-testkit.ts', source: imports('@spillway/testkit'), rule: restricted },
  { path: 'packages/kernel/src/imports-anything.ts', source: imports('node:crypto'), rule: restricted },
  { path: 'apps/links/src/knows-a-client.ts', source: imports('ioredis'), rule: restricted },
  {
    path: 'packages/limit/src/cycle-a.ts',
    source: "import { b } from './cycle-b.ts';\nexport const a = () => b;\n",
    rule: 'lint/suspicious/noImportCycles',
  },
  {
    path: 'packages/limit/src/cycle-b.ts',
    source: "import { a } from './cycle-a.ts';\nexport const b = () => a;\n",
    rule: 'lint/suspicious/noImportCycles',
  },
];

/** The opposite: files that keep the rules, so that a rule which refuses everything is noticed too. */
export const innocent: readonly Omit<Planted, 'rule'>[] = [
  { path: 'packages/limit/src/core/step.ts', source: imports('./other.ts') },
  { path: 'packages/limit/src/core/uses-kernel.ts', source: imports('@spillway/kernel') },
  { path: 'packages/limit/src/redis/uses-the-link.ts', source: imports('@spillway/redis') },
  { path: 'packages/limit/src/http/uses-a-framework.ts', source: imports('hono') },
  { path: 'packages/redis/src/client.ts', source: imports('ioredis') },
  { path: 'packages/limit/src/limiter.ts', source: imports('./core/step.ts') },
  { path: 'apps/links/src/sql/pool.ts', source: imports('pg') },
  { path: 'packages/limit/src/core/step.test.ts', source: imports('@spillway/testkit') },
];
