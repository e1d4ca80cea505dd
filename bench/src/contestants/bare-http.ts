// References: node:http and nothing else. WORK picks what stands before the constant 302.
import { createServer } from 'node:http';
import { Redis } from 'ioredis';
import pg from 'pg';

type Work = (path: string) => Promise<string | null> | string | null;

const target = 'https://example.org/the/same/for/all';

/** One auto-pipelined GET per request. */
function getFromRedis(redis: Redis): Work {
  return (path) => redis.get(path);
}

/** GET, then a prepared SELECT and a SET: what a hand-written cache-aside does for a link that nobody visited yet. */
function readThrough(redis: Redis, pool: pg.Pool): Work {
  return async (path) => {
    const known = await redis.get(path);
    if (known !== null) return known;
    const { rows } = await pool.query<{ target: string }>({
      name: 'target',
      text: 'SELECT target FROM bare_links WHERE code = $1',
      values: [path],
    });
    const found = rows[0]?.target ?? null;
    if (found !== null) await redis.set(path, found, 'PX', 3_600_000);
    return found;
  };
}

function chooseWork(): Work {
  if (process.env.WORK === 'constant') return () => target;
  const redis = new Redis(process.env.REDIS_URL ?? '', { enableAutoPipelining: true });
  if (process.env.WORK === 'redis') return getFromRedis(redis);
  return readThrough(redis, new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 }));
}

const work = chooseWork();
const answer = (response: import('node:http').ServerResponse, location: string | null) => {
  if (location === null) response.writeHead(404).end();
  else response.writeHead(302, { location, 'content-length': 0 }).end();
};

const server = createServer((request, response) => {
  const found = work(request.url ?? '/');
  if (found instanceof Promise) {
    found.then(
      (location) => answer(response, location),
      () => response.writeHead(503).end(),
    );
  } else answer(response, found);
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  console.log(`listening ${typeof address === 'object' ? address?.port : ''}`);
});
