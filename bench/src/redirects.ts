/** What the redirect benchmarks share: a `links` process with its servers and links, references, and one measured round. */
import {
  type ChildProcessHandle,
  freePort,
  type LoadReport,
  openLoad,
  type PostgresServer,
  processUsage,
  type RedisServer,
  spawnProcess,
  startPostgres,
  startRedis,
  temporaryDirectory,
} from '@spillway/testkit';
import { type BenchResult, inTurns, median, medianRatio } from './harness.ts';

export const ADMIN_KEY = 'bench-admin-key-of-this-run';
const SOURCE = ['--conditions=spillway-source'];

export interface Servers extends AsyncDisposable {
  readonly redis: RedisServer;
  readonly postgres: PostgresServer;
}

export async function startServers(): Promise<Servers> {
  const [redis, postgres] = await Promise.all([startRedis(), startPostgres()]);
  return {
    redis,
    postgres,
    async [Symbol.asyncDispose]() {
      await Promise.all([redis.close(), postgres.close()]);
    },
  };
}

export interface Contestant extends AsyncDisposable {
  readonly url: string;
  readonly process: ChildProcessHandle;
}

/** One `links` process, as in production: limits, metrics and clicks on. `env` overrides. */
export async function startLinks(servers: Servers | undefined, env: Record<string, string> = {}): Promise<Contestant> {
  const directory = temporaryDirectory({ name: 'bench-links' });
  const port = await freePort();
  const links = spawnProcess({
    name: 'links',
    module: new URL('../../apps/links/bin/spillway.js', import.meta.url),
    args: ['links'],
    env: {
      PORT: String(port),
      HOST: '127.0.0.1',
      DATA_DIR: directory.path,
      ADMIN_KEY,
      SPILLWAY_SECRET: 'a-secret-for-benchmarks-only',
      TRUSTED_PROXIES: 'loopback',
      LOG_LEVEL: 'warn',
      // As `npm start` does.
      MALLOC_ARENA_MAX: '1',
      ...(servers === undefined
        ? {}
        : { DATABASE_URL: servers.postgres.url, REDIS_URL: servers.redis.url, ROLE: 'web' }),
      ...env,
    },
    readyWhen: (line) => line.includes('is ready'),
  });
  await links.ready;
  return {
    url: `http://127.0.0.1:${port}`,
    process: links,
    async [Symbol.asyncDispose]() {
      await links.close();
      await directory.close();
    },
  };
}

export async function startBare(work: 'constant' | 'redis' | 'read-through', servers?: Servers): Promise<Contestant> {
  const bare = spawnProcess({
    name: `bare node:http, ${work}`,
    module: new URL('./contestants/bare-http.ts', import.meta.url),
    nodeArgs: SOURCE,
    env: { WORK: work, REDIS_URL: servers?.redis.url, DATABASE_URL: servers?.postgres.url },
    readyWhen: (line) => line.startsWith('listening'),
  });
  await bare.ready;
  const port = bare.stdout.find((line) => line.startsWith('listening'))?.split(' ')[1];
  return { url: `http://127.0.0.1:${port}`, process: bare, [Symbol.asyncDispose]: () => bare.close() };
}

/** Makes `count` links over the API; their paths, in order. */
export async function createLinks({ url }: Contestant, count: number): Promise<string[]> {
  const paths: string[] = [];
  for (let first = 0; first < count; first += 1_000) {
    const links = Array.from({ length: Math.min(1_000, count - first) }, (_, i) => ({
      url: `https://example.org/bench/${first + i}`,
    }));
    const response = await fetch(`${url}/api/v1/links/batch`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': ADMIN_KEY },
      body: JSON.stringify({ links }),
    });
    if (!response.ok) throw new Error(`links/batch answered ${response.status}: ${await response.text()}`);
    const { results } = (await response.json()) as { results: { link?: { code: string } }[] };
    for (const { link } of results) {
      if (link === undefined) throw new Error('a link of the batch was not made');
      paths.push(`/${link.code}`);
    }
  }
  return paths;
}

export interface Round {
  readonly perSecond: number;
  /** User and system time of the server's process, all its threads. */
  readonly cpuUs: number;
  readonly report: LoadReport;
}

/** Drives one contestant for a while. @throws {Error} when an answer is not a redirect: it would be disqualified */
export async function drive(
  { url, process }: Contestant,
  paths: readonly string[],
  options: {
    durationMs?: number;
    total?: number;
    connections?: number;
    order?: 'turns' | 'random' | 'zipf';
    rate?: number;
    clients?: number;
  },
): Promise<Round> {
  const before = processUsage(process.pid);
  const load = openLoad({ url, requests: paths, connections: 64, waits: 'awake', ...options });
  try {
    const report = await load.done;
    const after = processUsage(process.pid);
    const wrong = Object.entries(report.statuses).filter(([status]) => status !== '302');
    const errors = Object.entries(report.errors).filter(([, count]) => count > 0);
    if (wrong.length > 0 || errors.length > 0) {
      throw new Error(`${process.name} answered wrongly: ${JSON.stringify([...wrong, ...errors])}`);
    }
    const cpuMs = after.userMs + after.systemMs - before.userMs - before.systemMs;
    return { perSecond: report.answeredPerSecond, cpuUs: (cpuMs * 1_000) / report.answered, report };
  } finally {
    await load.close();
  }
}

export const atRate = (rate: number | undefined) => (rate === undefined ? {} : { rate });

interface Side {
  readonly name: string;
  /** One round, as fast as it goes; with a rate open loop, so many requests a second. */
  readonly drive: (rate?: number) => Promise<Round>;
}

/**
 * Measures ours against a reference in turns, and says both by requests a second and by CPU time. Latency is taken apart, open loop, each
 * at half of what it can do: as fast as it goes the wait in line is all that one sees.
 */
export async function compare(options: {
  readonly rounds: number;
  readonly reference: Side;
  readonly ours: Side;
  readonly bar: number;
  readonly beyond: number;
}): Promise<Pick<BenchResult, 'figures' | 'ratios' | 'checked' | 'chart'>> {
  const { rounds, reference, ours, bar, beyond } = options;
  const taken = await inTurns(rounds, { reference: () => reference.drive(), ours: () => ours.drive() });
  const speed = (of: readonly Round[]) => of.map((round) => round.perSecond);
  const cpu = (of: readonly Round[]) => of.map((round) => round.cpuUs);
  const figure = async (side: Side, of: readonly Round[]) => ({
    contestant: side.name,
    values: {
      'requests/s': median(speed(of)),
      'CPU us/request': median(cpu(of)),
      ...(await latencyAtHalf(side, median(speed(of)))),
      'generator CPU share': median(of.map(({ report }) => report.cpuMs / report.durationMs)),
    },
  });
  const answered = taken.ours.reduce((sum, { report }) => sum + report.answered, 0);
  return {
    figures: [await figure(reference, taken.reference), await figure(ours, taken.ours)],
    ratios: [
      {
        what: `requests/s to ${reference.name}`,
        value: medianRatio(speed(taken.ours), speed(taken.reference)),
        bar,
        beyond,
        better: 'higher',
      },
      {
        what: `CPU time per request of ${reference.name} to ours`,
        value: medianRatio(cpu(taken.reference), cpu(taken.ours)),
        bar,
        beyond,
        better: 'higher',
      },
    ],
    checked: `${answered.toLocaleString('en-US')} answers of ours, every one a 302.`,
    chart: 'requests/s',
  };
}

async function latencyAtHalf({ drive }: Side, perSecond: number) {
  const { report } = await drive(Math.max(1, Math.floor(perSecond / 2)));
  return { 'p50 ms at half of that': report.latency.p50Ms, 'p99 ms at half of that': report.latency.p99Ms };
}
