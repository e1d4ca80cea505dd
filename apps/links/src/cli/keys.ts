import { EXIT } from './failure.ts';
import { openService, type Service, type ServiceOptions } from './service.ts';

interface KeyAnswer {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly plan: string | null;
  readonly key?: string;
}

/** The key goes to standard output alone, so that it can be piped; the rest is said beside. */
export function createKey(
  [name]: readonly string[],
  options: ServiceOptions & { scopes: string; expires?: string; plan?: string },
) {
  return withService(options, async (service) => {
    const scopes = options.scopes.split(',').map((scope) => scope.trim());
    const { body } = await service.call('POST', '/keys', {
      body: {
        name,
        scopes,
        ...(options.expires === undefined ? {} : { expiresAt: toTime(options.expires) }),
        ...(options.plan === undefined ? {} : { plan: options.plan }),
      },
      // Asked again it would make a second key, and the first would live on, known to nobody.
      remedyOfLoss: `Whether the key was made is not known. If "spillway keys list" shows a new one named "${name}", revoke it; then create it again.`,
    });
    const made = body as KeyAnswer;
    console.error(`Key ${made.id} for "${made.name}": ${made.scopes.join(', ')}. It is shown this once:`);
    console.log(made.key);
  });
}

export function listKeys(_: readonly string[], options: ServiceOptions & { json?: boolean }) {
  return withService(options, async (service) => {
    const { body } = await service.call('GET', '/keys');
    const { data } = body as { readonly data: readonly KeyAnswer[] };
    if (options.json === true) {
      console.log(JSON.stringify(data, null, 2));
      return;
    }
    const rows = data.map((key) => [
      ...[key.id, key.name, key.scopes.join(','), key.createdAt],
      ...[key.expiresAt ?? 'never', key.plan ?? '-'],
    ]);
    for (const row of table([['ID', 'NAME', 'SCOPES', 'CREATED', 'EXPIRES', 'PLAN'], ...rows])) console.log(row);
  });
}

export function revokeKeys(ids: readonly string[], options: ServiceOptions) {
  return withService(options, async (service) => {
    for (const id of ids) {
      const { status } = await service.call('DELETE', `/keys/${encodeURIComponent(id)}`, { expectAfterLoss: [404] });
      console.log(status === 404 ? `There is no key "${id}" any more; the first answer was lost.` : `Revoked ${id}.`);
    }
  });
}

async function withService(options: ServiceOptions, work: (service: Service) => Promise<void>): Promise<number> {
  const service = openService(options);
  try {
    await work(service);
    return EXIT.done;
  } finally {
    await service.close();
  }
}

/** A bare date is its first moment in UTC; the rest is for the service to judge. */
const toTime = (text: string): string => (/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text);

/** Rows with their cells in columns. */
export function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
