import { expect, test } from 'vitest';
import { refuseOldServer } from './migrate.ts';

test('a PostgreSQL older than 14 is refused by its version', () => {
  expect(() => refuseOldServer(130_014)).toThrow('PostgreSQL 13.14 is too old; Spillway needs 14 or newer');
  expect(() => refuseOldServer(140_000)).not.toThrow();
});
