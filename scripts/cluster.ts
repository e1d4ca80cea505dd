// `npm run cluster`: nginx, three instances, PostgreSQL and Redis on this machine, until Ctrl-C.
import { ensureServers } from '@spillway/testkit';
import { parseOptions } from './arguments.ts';
import { type Cluster, startCluster } from './cluster/start-cluster.ts';

const HELP = `npm run cluster [-- OPTIONS]

Starts nginx, instances of the service, PostgreSQL and Redis as plain processes on the loopback, until Ctrl-C.

  --port N         nginx' port (8080)
  --instances N    how many instances (3)
  --without-redis  PostgreSQL carries the shared state`;

const values = parseOptions('npm run cluster', {
  port: { type: 'string', default: '8080' },
  instances: { type: 'string', default: '3' },
  'without-redis': { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
});

if (values.help) {
  console.log(HELP);
} else {
  await run();
}

async function run(): Promise<void> {
  const stop = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve());
  });
  const starting = start().catch((error: Error) => {
    console.error(error.message);
    process.exitCode = 1;
    return undefined;
  });
  const cluster = await starting;
  if (cluster === undefined) return;
  show(cluster);
  await stop;
  console.log('\nStopping ...');
  await cluster.close();
  console.log('All stopped, nothing left behind.');
}

async function start(): Promise<Cluster> {
  const port = integer('port', values.port, 1, 65_535);
  const instances = integer('instances', values.instances, 1, 50);
  const redis = values['without-redis'] ? 'off' : 'on';
  await ensureServers({ report: console.log });
  return startCluster({ port, instances, redis, report: console.log });
}

function integer(name: string, text: string, least: number, most: number): number {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new Error(`--${name} must be an integer from ${least} to ${most}, got "${text}"`);
}

function show({ url, adminKey, nginx, postgres, redis, instances }: Cluster): void {
  const rows = [
    ['WHAT', 'WHERE', 'PID'],
    ['nginx', url, String(nginx.pid)],
    ...instances.map((instance) => [instance.name, instance.url, String(instance.process.pid)]),
    ['PostgreSQL', postgres.url, String(postgres.pid)],
    ...(redis === undefined ? [] : [['Redis', redis.url, String(redis.pid)]]),
  ];
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  console.log('');
  for (const [what = '', where = '', pid] of rows) {
    console.log(`  ${what.padEnd(widths[0] ?? 0)}  ${where.padEnd(widths[1] ?? 0)}  ${pid}`);
  }
  console.log(`
The admin key is ${adminKey}. Try:

  curl -s ${url}/api/v1/links -H 'x-api-key: ${adminKey}' -H 'content-type: application/json' -d '{"url":"https://example.com"}'
  curl -sI ${url}/CODE | grep -i -e location -e x-served-by          a few times: another instance each
  kill -9 ${instances[0]?.process.pid}                                             an instance dies, and nobody notices
  SPILLWAY_KEY=${adminKey} npx spillway replay access.log.gz --server ${url} --base http://example.com --create

Ctrl-C stops all.`);
}
