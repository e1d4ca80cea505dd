/** Makes rows in a process of its own: each is added to the filter, then committed, then told. Rebuilds the filter now and then. */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { createBloomFilter } from '@spillway/cache/bloom';
import { redisBloomStore } from '@spillway/cache/redis/bloom';
import { connectRedis } from '@spillway/redis';

const [url = '', truthUrl = '', name = ''] = process.argv.slice(2);
const link = connectRedis({ url, deadline: '1s' });
const truth = connectRedis({ url: truthUrl, deadline: '20s' });
await Promise.all([link.ready(), truth.ready()]);
const filter = createBloomFilter({
  name,
  store: redisBloomStore({ link }),
  capacity: 10_000,
  commitWithin: '100ms',
  source: async function* () {
    yield* await truth.command<string[]>('SMEMBERS', [name]);
  },
});
console.log('ready');
void (async () => {
  for (;;) {
    await filter.rebuild().catch(() => undefined);
    await pause(20);
  }
})();
for (;;) {
  const id = randomUUID();
  const added = await filter.add(id).then(
    () => true,
    () => false,
  );
  if (added) await truth.command('SADD', [name, id]);
  await pause(2);
}
