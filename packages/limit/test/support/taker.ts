/**
 * One of several processes that take from the same limiters as fast as they are answered. Reads one command per line: `go` starts, `stop`
 * ends and prints what was admitted since `go`. `TAKER` in the environment holds a TakerSettings.
 */
import { createInterface } from 'node:readline';
import { setImmediate } from 'node:timers/promises';
import { createLimiter, tokenBucket } from '@spillway/limit';
import { redisLimitStore } from '@spillway/limit/redis';
import { connectRedis, redisPresence } from '@spillway/redis';
import type { TakerReport, TakerSettings } from './taker-settings.ts';

const { redisUrl, prefix, instance, keys, capacity, perSecond }: TakerSettings = JSON.parse(process.env.TAKER ?? '{}');

const link = connectRedis({ url: redisUrl, deadline: '20s' });
const presence = redisPresence(link, { instance, prefix });
const policy = tokenBucket({ name: 'p', capacity, refill: { tokens: perSecond, every: '1s' } });
const limiter = createLimiter({ policy }, { store: redisLimitStore({ link, prefix }), presence });

let running = false;
let report: TakerReport = { instances: 0, keys: {} };
let loops: Promise<void>[] = [];

async function takeOn(key: string): Promise<void> {
  const counts = { store: 0, share: 0, denied: 0 };
  report.keys[key] = counts;
  while (running) {
    const decision = await limiter.take(key);
    if (decision.outcome === 'denied') counts.denied += 1;
    else if (decision.decidedBy === 'share') counts.share += 1;
    else counts.store += 1;
    // Without a store takes are answered at once, and would keep the event loop from everything else.
    await setImmediate();
  }
}

await link.ready({ timeout: '20s' });
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'go') {
    running = true;
    report = { instances: presence.instances, keys: {} };
    loops = keys.map(takeOn);
  } else if (line === 'instances') {
    console.log(JSON.stringify({ instances: presence.instances }));
  } else if (line === 'stop') {
    running = false;
    await Promise.all(loops);
    console.log(JSON.stringify(report));
  }
}
await presence.close();
await link.close();
