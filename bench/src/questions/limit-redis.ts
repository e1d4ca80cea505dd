import { defineBench, medianRatio } from '../harness.ts';
import { compareOnRedis, IN_FLIGHT, KEYS, perSecond } from '../limits/compare-on-redis.ts';
import { rawScript, spillway } from '../limits/redis-contestants.ts';

const RAW = 'raw EVALSHA of INCR + PEXPIRE';

export const bench = defineBench({
  name: 'limit-redis',
  question: `How many exact decisions a second, ${IN_FLIGHT} under way, over ${KEYS} keys, beside the least script that could count?`,
  async run(options) {
    const { rounds, figures } = await compareOnRedis({ Spillway: spillway, [RAW]: rawScript }, options);
    return {
      figures,
      ratios: [
        {
          what: `decisions/s to ${RAW}`,
          value: medianRatio(perSecond(rounds.Spillway), perSecond(rounds[RAW])),
          bar: 0.9,
          beyond: 1.5,
          better: 'higher',
        },
      ],
      checked: 'Of 150 takes at once for each of three keys, exactly 100 were admitted; all others were admitted.',
      notes: [
        'One process takes, on ioredis with auto-pipelining for the script, through its link for Spillway; Redis is another process on the same machine.',
        'The script only counts: it knows no refill, no remaining and no time to wait.',
      ],
      chart: 'decisions/s',
    };
  },
});
