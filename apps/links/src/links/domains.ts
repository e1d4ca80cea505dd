import type { SqlRunner } from '@spillway/kernel';
import { build, execute } from '../sql/builder.ts';
import { createHostLookUp } from './host-look-up.ts';

export const DEFAULT_DOMAIN = 1;

/** The hosts that links live on. Fixed while the service runs. */
export interface Domains {
  /** Every host as it is configured, and its domain. */
  readonly byHost: ReadonlyMap<string, number>;
  /** The domain that a host names, as a client may write it: case, one trailing dot and a port that is nobody's do not count. */
  named(host: string): number | undefined;
  /** The domain of a request, by its `Host`; the default one for hosts that are not ours by name. */
  ofRequest(host: string | undefined): number;
  /** Empty for the default domain. */
  hostOf(id: number): string | undefined;
  /** The beginning of the short URLs on this domain, without a trailing slash. */
  baseUrl(id: number): string;
}

/** Reads the domains, after adding those of the configuration that are new. */
export async function openDomains(sql: SqlRunner, hosts: readonly string[], publicUrl: string): Promise<Domains> {
  const rows = await readWith(sql, hosts);
  const byId = new Map(rows.map(({ id, host }) => [id, host]));
  const { protocol, host: publicHost } = new URL(publicUrl);
  const byHost = new Map([
    ...rows.filter(({ host }) => host !== '').map(({ id, host }): [string, number] => [host, id]),
  ]);
  byHost.set(publicHost, DEFAULT_DOMAIN);
  const named = createHostLookUp(byHost, protocol === 'https:' ? '443' : '80');
  return {
    byHost,
    named,
    ofRequest: (host) => (host === undefined ? undefined : named(host)) ?? DEFAULT_DOMAIN,
    hostOf: (id) => byId.get(id),
    baseUrl: (id) => (id === DEFAULT_DOMAIN ? publicUrl : `${protocol}//${byId.get(id) ?? publicHost}`),
  };
}

interface Row {
  readonly id: number;
  readonly host: string;
}

/** Instances that start at once want the same numbers; of each round at least one gets its own. */
async function readWith(sql: SqlRunner, hosts: readonly string[]): Promise<readonly Row[]> {
  for (;;) {
    const { rows } = await execute<Row>(sql, build.selectFrom('domains').select(['id', 'host']));
    const missing = hosts.filter((host) => rows.every((row) => row.host !== host));
    if (missing.length === 0) return rows;
    for (const host of missing) {
      await sql.query(
        // Whether another took the host or only the number is seen when they are read again. SQLite needs the WHERE, or takes
        // the ON for that of a join.
        'INSERT INTO domains (id, host, created_at) SELECT MAX(id) + 1, $1, $2 FROM domains WHERE true ON CONFLICT DO NOTHING',
        [host, Date.now()],
      );
    }
  }
}
