import { ConfigurationError, type Issue } from '@spillway/kernel';
import { memoryLimitStore, openPlanFile, type PlanAbilities } from '@spillway/limit';
import { misspeltSettings } from '../config/misspelt.ts';
import { type Config, parseConfig } from '../config.ts';
import { planAbilities } from '../limits/plan-abilities.ts';
import { EXIT } from './failure.ts';
import { faultsOfPlaces } from './named-places.ts';

/** Says what the environment means, or throws all that is wrong with it. */
export async function checkConfig(): Promise<number> {
  const config = readConfig(process.env);
  const { database, redis } = config;
  if (config.plansFile !== undefined) (await openPlanFile(config.plansFile, await abilitiesWith(config))).close();
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
    ['plans', config.plansFile ?? 'free and premium, for keys that were given one'],
    ['trusted proxies', config.trustedProxies.join(', ') || 'none'],
  ];
  console.log('The configuration is right.');
  for (const [name, value] of rows) console.log(`  ${name.padEnd(16)}${value}`);
  for (const { path, message } of misspeltSettings(process.env)) console.error(`Warning: ${path} ${message}`);
  return EXIT.done;
}

/** What plans can be counted by, without opening anything: memory can what Redis can. */
async function abilitiesWith({ database, redis }: Config): Promise<PlanAbilities> {
  if (database.kind === 'sqlite' || redis !== undefined) return planAbilities(memoryLimitStore());
  const { POSTGRES_STRATEGIES } = await import('@spillway/limit/postgres');
  return planAbilities({ strategies: POSTGRES_STRATEGIES });
}

/** @throws {ConfigurationError} with all that is wrong with the settings, and with the places that they name */
function readConfig(variables: NodeJS.ProcessEnv): Config {
  const places = faultsOfPlaces(variables);
  try {
    const config = parseConfig(variables);
    if (places.length === 0) return config;
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    throw mistakes([...error.issues, ...places]);
  }
  throw mistakes(places);
}

const mistakes = (issues: readonly Issue[]) => new ConfigurationError('The configuration has mistakes:', issues);

function withoutPassword(text: string): string {
  const url = new URL(text);
  if (url.password !== '') url.password = '***';
  return url.href;
}
