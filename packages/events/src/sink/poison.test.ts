import { DatabaseSync } from 'node:sqlite';
import { ConfigurationError, OverloadedError, StoreUnavailableError } from '@spillway/kernel';
import { expect, test } from 'vitest';
import { isPoison } from './poison.ts';

const sqlState = (code: string) => Object.assign(new Error(code), { code });

function sqliteError(...statements: string[]): unknown {
  const database = new DatabaseSync(':memory:');
  try {
    for (const statement of statements) database.exec(statement);
  } catch (error) {
    return error;
  } finally {
    database.close();
  }
  throw new Error('no error');
}

test.each([
  ['a value out of range', sqlState('22003')],
  ['a zero character in text', sqlState('22021')],
  ['a NULL where there must be none', sqlState('23502')],
  ['an index row too large', sqlState('54000')],
  ['a constraint of SQLite', sqliteError('CREATE TABLE t (n INTEGER NOT NULL)', 'INSERT INTO t VALUES (NULL)')],
  ['a bug in write that these events meet', new TypeError('x is not a function')],
  ['a setting that only these events need', new ConfigurationError('no')],
  ['something that is no error', 'thrown'],
])('the events are at fault for %s', (_, error) => {
  expect(isPoison(error)).toBe(true);
});

test.each([
  ['a database that is away', new StoreUnavailableError('INSERT')],
  ['a full queue', new OverloadedError('queue', 1)],
  ['a deadlock', sqlState('40P01')],
  ['a serialization failure', sqlState('40001')],
  ['a missing table', sqlState('42P01')],
  ['missing rights', sqlState('42501')],
  ['a full disk of PostgreSQL', sqlState('53100')],
  ['a lock timeout', sqlState('55P03')],
  ['a missing table of SQLite', sqliteError('INSERT INTO absent VALUES (1)')],
  ['a reset connection', sqlState('ECONNRESET')],
])('the events are not at fault for %s', (_, error) => {
  expect(isPoison(error)).toBe(false);
});
