import { createHash, timingSafeEqual } from 'node:crypto';
import type { SqlRunner } from '@spillway/kernel';
import { SecretMismatchError } from '../errors.ts';
import { deriveKey, parseSecret } from '../secret.ts';

export interface AssertSecretOptions {
  /** `idMigrations` have run. */
  readonly sql: SqlRunner;
  readonly secret: string;
  /** What the secret is for. Default `"short-code"`. */
  readonly name?: string;
}

/**
 * Makes sure that every instance on this database uses one secret: the first to start writes a check value of it, which tells
 * nothing about the secret; later ones compare. Of two that start at once with different secrets, one is refused.
 * @throws {SecretMismatchError} when the database was first used with another secret
 */
export async function assertSecret({ sql, secret, name = 'short-code' }: AssertSecretOptions): Promise<void> {
  const mine = checkValue(parseSecret(secret), name);
  const first = (await readCheck(sql, name)) ?? (await writeCheck(sql, name, mine));
  if (!equal(first, mine)) throw new SecretMismatchError(name);
}

/** Whether a secret was fixed for this database: then a new one would be refused. */
export async function hasSecret({ sql, name = 'short-code' }: Omit<AssertSecretOptions, 'secret'>): Promise<boolean> {
  return (await readCheck(sql, name)) !== undefined;
}

const checkValue = (secret: string, name: string): string =>
  `v1:${Buffer.from(deriveKey(secret, `check value of ${name}`, 32)).toString('hex')}`;

interface CheckRow {
  readonly check_value: string;
}

async function readCheck(sql: SqlRunner, name: string): Promise<string | undefined> {
  const { rows } = await sql.query<CheckRow>('SELECT check_value FROM id_secrets WHERE name = $1', [name]);
  return rows[0]?.check_value;
}

/** The value that stands afterwards: mine, or that of whoever was first. */
async function writeCheck(sql: SqlRunner, name: string, value: string): Promise<string> {
  const { rows } = await sql.query<CheckRow>(
    `INSERT INTO id_secrets (name, check_value) VALUES ($1, $2)
     ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING check_value`,
    [name, value],
  );
  return rows[0]?.check_value ?? '';
}

// Hashed first, since the comparison wants equal lengths.
const equal = (a: string, b: string): boolean =>
  timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest());
