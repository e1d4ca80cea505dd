import { Redis } from 'ioredis';
import { defineBench } from '../harness.ts';
import { atRate, compare, createLinks, drive, startBare, startLinks, startServers } from '../redirects.ts';

export const bench = defineBench({
  name: 'redirect-l2',
  question: 'What does a redirect cost when every look-up goes to Redis?',
  async run({ size }) {
    const [durationMs, rounds] = size === 'full' ? [5_000, 5] : [300, 1];
    await using servers = await startServers();
    await using links = await startLinks(servers, { CACHE_L1: 'off' });
    await using bare = await startBare('redis', servers);
    const paths = await createLinks(links, 1_000);
    const redis = new Redis(servers.redis.url);
    await redis.mset(paths.flatMap((path) => [path, 'https://example.org/the/same/for/all']));
    await redis.quit();
    const options = { durationMs, clients: 100_000 };
    await drive(links, paths, options);
    await drive(bare, paths, options);
    const result = await compare({
      rounds,
      reference: {
        name: 'bare node:http + one auto-pipelined GET',
        drive: (rate) => drive(bare, paths, { ...options, ...atRate(rate) }),
      },
      ours: { name: 'links, L1 off', drive: (rate) => drive(links, paths, { ...options, ...atRate(rate) }) },
      bar: 0.75,
      beyond: 0.95,
    });
    return {
      ...result,
      notes: ['As redirect-hot, with CACHE_L1=off: 1,000 links warm in L2, one GET per redirect, none of them shared.'],
    };
  },
});
