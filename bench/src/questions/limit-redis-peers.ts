import { defineBench, medianRatio } from '../harness.ts';
import { compareOnRedis, IN_FLIGHT, KEYS, perSecond } from '../limits/compare-on-redis.ts';
import { fastifyRateLimit, rateLimiterFlexible, rateLimitRedis } from '../limits/peers.ts';
import { spillway } from '../limits/redis-contestants.ts';

const PEERS = {
  'rate-limiter-flexible': rateLimiterFlexible,
  'rate-limit-redis': rateLimitRedis,
  '@fastify/rate-limit': fastifyRateLimit,
};

export const bench = defineBench({
  name: 'limit-redis-peers',
  question: `How many exact decisions a second, ${IN_FLIGHT} under way, over ${KEYS} keys, beside other limiters on Redis?`,
  async run(options) {
    const { rounds, figures } = await compareOnRedis({ Spillway: spillway, ...PEERS }, options);
    return {
      figures,
      ratios: Object.keys(PEERS).map((peer) => ({
        what: `decisions/s to ${peer}`,
        value: medianRatio(perSecond(rounds.Spillway), perSecond(rounds[peer])),
        bar: 1.2,
        beyond: 2,
        better: 'higher' as const,
      })),
      checked: 'Of 150 takes at once for each of three keys, exactly 100 were admitted; all others were admitted.',
      notes: [
        'One process takes; the peers share the fastest client there is for them, ioredis with auto-pipelining. The stores of rate-limit-redis and @fastify/rate-limit are asked directly, without Express and Fastify.',
        'The peers count a fixed window; Spillway keeps a token bucket.',
      ],
      chart: 'decisions/s',
    };
  },
});
