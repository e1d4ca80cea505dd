/**
 * An instance whose host's clock is wrong by `SKEWED_TAKER.skewMs`. Reads one take per line, `{ store, policy, key, cost, id }`, and prints
 * its decision.
 */
import { createInterface } from 'node:readline';
import { postgresRunner } from '@spillway/kernel/postgres';
import { createLimiter, parsePolicy } from '@spillway/limit';
import { postgresLimitStore } from '@spillway/limit/postgres';
import { redisLimitStore } from '@spillway/limit/redis';
import { connectRedis } from '@spillway/redis';
import { openPool } from './open-postgres.ts';

export interface SkewedTakerSettings {
  readonly skewMs: number;
  readonly redisUrl: string;
  readonly postgresUrl: string;
  readonly prefix: string;
}

export interface SkewedTake {
  readonly store: 'redis' | 'postgres';
  readonly policy: unknown;
  readonly key: string;
  readonly cost: number;
  readonly id: string;
}

const settings: SkewedTakerSettings = JSON.parse(process.env.SKEWED_TAKER ?? '{}');

const RightDate = Date;
globalThis.Date = class extends RightDate {
  constructor(...args: []) {
    super(...((args.length === 0 ? [RightDate.now() + settings.skewMs] : args) as []));
  }
  static override now = () => RightDate.now() + settings.skewMs;
} as DateConstructor;

const link = connectRedis({ url: settings.redisUrl, deadline: '10s' });
const pool = openPool(settings.postgresUrl, 1);
const stores = {
  redis: redisLimitStore({ link, prefix: settings.prefix }),
  postgres: postgresLimitStore({ sql: postgresRunner(pool) }),
};
await link.ready({ timeout: '10s' });
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const { store, policy, key, cost, id }: SkewedTake = JSON.parse(line);
  const presence = { instances: 1 };
  const limiter = createLimiter(
    { policy: parsePolicy(policy), onStoreError: 'throw' },
    { store: stores[store], presence },
  );
  console.log(JSON.stringify(await limiter.take(key, { cost, id })));
}
await link.close();
await pool.end();
