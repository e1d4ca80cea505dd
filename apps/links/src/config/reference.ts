import { environment } from './environment.ts';

/** The reference page of all settings, made from the schema, so that neither can say what the other does not. */
export function configurationReference(): string {
  const rows = Object.entries(environment.shape).map(([name, schema]) => {
    const { description = '' } = schema.meta() ?? {};
    return `| \`${name}\` | ${defaultOf(schema)} | ${description.replaceAll('|', '\\|')} |`;
  });
  return `${HEAD}\n| setting | default | meaning |\n| --- | --- | --- |\n${rows.join('\n')}\n\n${TAIL}`;
}

function defaultOf(schema: { safeParse(value: unknown): unknown; def: unknown }): string {
  const { defaultValue } = schema.def as { defaultValue?: unknown };
  return typeof defaultValue === 'string' && defaultValue !== '' ? `\`${defaultValue}\`` : '';
}

const HEAD = `# Configuration

Settings are environment variables, read once at the start. An empty one counts as unset. All mistakes are told together, with
exit code 2; \`spillway check-config\` only looks. A variable that is a slip of the hand away from a setting
is warned of, also at a start. This page is made from the schema in \`apps/links/src/config/environment.ts\`.
`;

const TAIL = `## What goes together

| set | truth | shared state |
| --- | --- | --- |
| nothing | SQLite in \`DATA_DIR\`, one process | this process |
| \`DATABASE_URL\`, \`SPILLWAY_SECRET\` | PostgreSQL | PostgreSQL: notifications, ids, limits |
| and \`REDIS_URL\` (or Sentinel, or Cluster) | PostgreSQL | Redis |
| and \`REDIS_CACHE_URL\` | PostgreSQL | Redis, the cache in one of its own |

- **Rates** are written \`100/s\`, \`100/s burst 500\` (units s, m, h) or \`off\`; durations \`500ms\`, \`2s\`, \`5m\`.
- **Durability, embedded**: SQLite in WAL mode with \`synchronous=FULL\`. A link that was answered with 201 survives \`kill -9\` and the
  loss of power, as far as the disk keeps what it says it has synced. Clicks reach the disk 50 ms later, without a sync: \`kill -9\`
  loses at most the last 100 ms of them, the loss of power what the system had not written yet. Copy \`DATA_DIR\` only while the service stands
  still, or with \`sqlite3 spillway.db ".backup file"\`; keep \`DATA_DIR/secret\` with the backup.
- **Behind a proxy** set \`PUBLIC_URL\` and \`TRUSTED_PROXIES\`, or all clients count as one. A proxy must not pass \`/metrics\` to everybody.
- **Answers**: \`HEAD\` redirects as \`GET\` does and is no click. A click is a \`GET\` that was redirected, or a password form's \`POST\` that was;
  a link without a password refuses \`POST\` with 405. \`X-Served-By\` names the instance.
- **Targets**: no link leads back to this service, nor to a host that looks like one of its own (\`sh0.rt\`, or \`sho.rt\` with a Cyrillic o).
- **Limits** tell with every answer what is left, in \`RateLimit-Policy\` and \`RateLimit\`: calls with a key that has a limit, links made
  without a key, and guesses of a password. Redirects tell it only when they are refused, with 429.
- **Exit codes**: 0 after SIGTERM, SIGINT or SIGHUP, 1 when the service could not start or a worker had to be killed, 2 for wrong settings.
  A signal that follows within 2 s is taken for an echo of the first; a later one ends all at once, with 143, 130 or 129.
`;
