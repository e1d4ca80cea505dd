import { OverloadedError, StoreUnavailableError } from '@spillway/kernel';
import { expect, test } from 'vitest';
import { createLogger } from '../log.ts';
import { toProblem } from './errors.ts';

test.each([
  [new StoreUnavailableError('transaction', new Error('ECONNREFUSED 10.0.0.7'), 'is down (breaker open)'), 'its data'],
  [new OverloadedError('The queue of password checks', 64), 'more to do'],
])('%s is told to users in their words, and what to do', (error, says) => {
  const { kind, options } = toProblem(error, createLogger({ level: 'silent', instance: 'test' }));
  expect(kind).toBe('unavailable');
  expect(options.detail).toMatch(/^The service .+; try again in a second/);
  expect(options.detail).toContain(says);
  expect(options.detail).not.toMatch(/store|breaker|transaction|queue|64|ECONN/i);
  expect(options.retryAfter).toBe(1);
});
