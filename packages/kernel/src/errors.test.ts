import { describe, expect, test } from 'vitest';
import { ConfigurationError, isSpillwayError, OverloadedError, StoreUnavailableError } from './errors.ts';

describe('errors', () => {
  test('each has its name, its code and says whether to try again', () => {
    const errors = [new ConfigurationError('x'), new StoreUnavailableError('GET'), new OverloadedError('The queue', 5)];
    expect(errors.map(({ name, code, retryable }) => [name, code, retryable])).toEqual([
      ['ConfigurationError', 'SPILLWAY_CONFIGURATION', false],
      ['StoreUnavailableError', 'SPILLWAY_STORE_UNAVAILABLE', true],
      ['OverloadedError', 'SPILLWAY_OVERLOADED', true],
    ]);
    for (const error of errors) expect(error).toBeInstanceOf(Error);
  });

  test('a configuration error tells every issue with its path', () => {
    const error = new ConfigurationError('Wrong options', [
      { path: 'ttl', message: 'is missing' },
      { path: '', message: 'is odd' },
    ]);
    expect(error.message).toBe('Wrong options\n  ttl: is missing\n  is odd');
    expect(error.issues).toHaveLength(2);
  });

  test('a store error keeps its cause and its operation', () => {
    const cause = new Error('ECONNREFUSED');
    const error = new StoreUnavailableError('GET', cause);
    expect(error.cause).toBe(cause);
    expect(error.operation).toBe('GET');
    expect(error.message).toBe('The store did not answer: "GET"');
  });

  test('are told from others by a brand that another copy of the package shares', () => {
    expect(isSpillwayError(new OverloadedError('The queue', 5))).toBe(true);
    expect(isSpillwayError(Object.defineProperty({}, Symbol.for('spillway.error'), { value: true }))).toBe(true);
    for (const other of [new Error('x'), null, undefined, 'SPILLWAY_X', {}, { code: 'SPILLWAY_X' }]) {
      expect(isSpillwayError(other)).toBe(false);
    }
    // The brand does not show.
    expect(JSON.stringify(Object.keys(new OverloadedError('x', 1)))).not.toContain('brand');
  });
});
