import type { SqlRunner } from '@spillway/kernel';
import { build, execute } from '../sql/builder.ts';

export const DEFAULT_DOMAIN = 1;

/** The hosts that links live on. Fixed while the service runs. */
export interface Domains {
  /** The domain of a request's or a link's host; the default one for hosts that are not ours by name. */
  readonly byHost: ReadonlyMap<string, number>;
  /** Empty for the default domain. */
  hostOf(id: number): string | undefined;
  /** The beginning of the short URLs on this domain, without a trailing slash. */
  baseUrl(id: number): string;
}

/** Reads the domains, after adding those of the configuration that are new. */
export async function openDomains(sql: SqlRunner, hosts: readonly string[], publicUrl: string): Promise<Domains> {
  for (const host of hosts) {
    await sql.query(
      // The id is chosen by SQL in the same statement; the unique host decides between instances that start at once.
      'INSERT INTO domains (id, host, created_at) SELECT MAX(id) + 1, $1, $2 FROM domains ON CONFLICT (host) DO NOTHING',
      [host, Date.now()],
    );
  }
  const { rows } = await execute<{ id: number; host: string }>(sql, build.selectFrom('domains').select(['id', 'host']));
  const byId = new Map(rows.map(({ id, host }) => [id, host]));
  const { protocol, host: publicHost } = new URL(publicUrl);
  const byHost = new Map([
    ...rows.filter(({ host }) => host !== '').map(({ id, host }): [string, number] => [host, id]),
  ]);
  byHost.set(publicHost, DEFAULT_DOMAIN);
  return {
    byHost,
    hostOf: (id) => byId.get(id),
    baseUrl: (id) => (id === DEFAULT_DOMAIN ? publicUrl : `${protocol}//${byId.get(id) ?? publicHost}`),
  };
}
