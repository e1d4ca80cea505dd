import { freePort, openLoad, type RedisServer, spawnProcess, startRedis } from '@spillway/testkit';
import { type BenchResult, defineBench } from '../harness.ts';

const LIMIT = 100;
const REQUESTS = 400;
const INSTANCES = 2;

type Figures = { contestant: string; values: { admitted: number; refused: number } }[];

export const bench = defineBench({
  name: 'limit-mistake',
  question:
    'Of a limit of 100, how many do two instances admit: with a map in each, with Spillway, and when Redis is stopped?',
  async run({ log }): Promise<BenchResult> {
    const figures: Figures = [];
    const ask = async (contestant: string, targets: readonly string[], client: string) => {
      const { statuses, errors } = await openLoad({ url: targets, requests: [client], connections: 8, total: REQUESTS })
        .done;
      const { 200: admitted = 0, 429: refused = 0 } = statuses;
      if (admitted + refused !== REQUESTS) {
        throw new Error(`${contestant}: not every request was answered: ${JSON.stringify({ statuses, errors })}`);
      }
      log(`${contestant}: ${admitted} of ${REQUESTS} admitted`);
      figures.push({ contestant, values: { admitted, refused } });
      return admitted;
    };

    await using maps = await startInstances(undefined);
    const map = await ask('a map in each instance', maps.targets, '/ada');
    await using redis = await startRedis();
    await using instances = await startInstances(redis);
    const shared = await ask('Spillway', instances.targets, '/ada');
    await redis.stop();
    const alone = await ask('Spillway, Redis stopped, a new client', instances.targets, '/grace');
    if (shared !== LIMIT) throw new Error(`Spillway admitted ${shared} of a limit of ${LIMIT}`);
    if (alone > LIMIT) throw new Error(`Without Redis, Spillway admitted ${alone} of a limit of ${LIMIT}`);
    const ratio = (what: string, value: number, bar?: number) => ({
      what,
      value: value / LIMIT,
      better: 'lower' as const,
      ...(bar === undefined ? {} : { bar }),
    });
    return {
      figures,
      ratios: [
        ratio('admitted by two maps, to the limit', map),
        ratio('admitted by Spillway, to the limit', shared, 1),
        ratio('admitted by Spillway without Redis, to the limit', alone, 1),
      ],
      checked: 'Every request was answered 200 or 429.',
      notes: [
        `${INSTANCES} processes, ${REQUESTS} requests over 8 connections that are dealt out to them in turns.`,
        'A client that has used its limit up when Redis stops is refused until its next token; one that had some left may get up to its share more (G3: one burst at the edge of an outage).',
      ],
      chart: 'admitted',
    };
  },
});

async function startInstances(redis: RedisServer | undefined) {
  const ports = await Promise.all(Array.from({ length: INSTANCES }, () => freePort()));
  const processes = ports.map((port, index) =>
    spawnProcess({
      name: `instance ${index + 1}`,
      module: new URL('../contestants/limited-server.ts', import.meta.url),
      nodeArgs: ['--conditions=spillway-source'],
      env: {
        PORT: String(port),
        INSTANCE: `bench-${index + 1}`,
        ...(redis === undefined ? {} : { REDIS_URL: redis.url }),
      },
      readyWhen: (line) => line === 'ready',
    }),
  );
  const close = async () => void (await Promise.all(processes.map((each) => each.close())));
  try {
    await Promise.all(processes.map(({ ready }) => ready));
  } catch (error) {
    await close();
    throw error;
  }
  return { targets: ports.map((port) => `http://127.0.0.1:${port}`), [Symbol.asyncDispose]: close };
}
