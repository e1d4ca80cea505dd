import { openCountries } from '../clicks/countries.ts';
import { parseConfig } from '../config.ts';
import { EXIT } from './failure.ts';

/** Says what the environment means, or throws all that is wrong with it. */
export async function checkConfig(): Promise<number> {
  const config = parseConfig(process.env);
  const { database, redis } = config;
  openCountries(config.countryDatabase).load();
  const rows: [string, string][] = [
    ['serves', `${config.publicUrl} on port ${config.port}`],
    [
      'database',
      database.kind === 'sqlite' ? `SQLite in ${config.dataDir}` : `PostgreSQL at ${withoutPassword(database.url)}`,
    ],
    [
      'shared state',
      redis === undefined ? (database.kind === 'sqlite' ? 'in process' : 'PostgreSQL') : `Redis, ${redis.kind}`,
    ],
    ['role', `${config.role}, ${config.workers} process(es)`],
    ['trusted proxies', config.trustedProxies.join(', ') || 'none'],
  ];
  console.log('The configuration is right.');
  for (const [name, value] of rows) console.log(`  ${name.padEnd(16)}${value}`);
  return EXIT.done;
}

function withoutPassword(text: string): string {
  const url = new URL(text);
  if (url.password !== '') url.password = '***';
  return url.href;
}
