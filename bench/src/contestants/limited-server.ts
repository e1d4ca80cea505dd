// One instance of the benchmark `limit-mistake`: answers 200 within 100 requests an hour per client, 429 beyond. With REDIS_URL by
// Spillway, else by the limiter that everybody writes first.
import { createServer } from 'node:http';
import { createLimiter, tokenBucket } from '@spillway/limit';
import { redisLimitStore } from '@spillway/limit/redis';
import { connectRedis, redisPresence } from '@spillway/redis';

const LIMIT = 100;

type Allows = (client: string) => boolean | Promise<boolean>;

/** Right in one process; every further instance admits the limit again. */
function hashMap(): Allows {
  const taken = new Map<string, number>();
  return (client) => {
    const count = (taken.get(client) ?? 0) + 1;
    taken.set(client, count);
    return count <= LIMIT;
  };
}

async function spillway(url: string): Promise<Allows> {
  const link = connectRedis({ url });
  const presence = redisPresence(link, { instance: process.env.INSTANCE ?? '' });
  const policy = tokenBucket({ name: 'hourly', capacity: LIMIT, refill: { tokens: LIMIT, every: '100d' } });
  const limiter = createLimiter({ policy }, { store: redisLimitStore({ link }), presence });
  await link.ready();
  while (presence.instances < 2) await new Promise((resolve) => setTimeout(resolve, 20));
  return async (client) => (await limiter.take(client)).outcome === 'allowed';
}

const { REDIS_URL } = process.env;
const allows = REDIS_URL === undefined ? hashMap() : await spillway(REDIS_URL);
const server = createServer(async ({ url }, response) => {
  response.writeHead((await allows(url ?? '')) ? 200 : 429).end();
});
server.listen(Number(process.env.PORT), '127.0.0.1', () => console.log('ready'));
