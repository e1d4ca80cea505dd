import { ConfigurationError } from '@spillway/kernel';
import { describe, expect, test } from 'vitest';
import { parseConfig } from './config.ts';

const issuesOf = (variables: Record<string, string>): Record<string, string> => {
  try {
    parseConfig(variables);
  } catch (error) {
    if (error instanceof ConfigurationError)
      return Object.fromEntries(error.issues.map(({ path, message }) => [path, message]));
    throw error;
  }
  return {};
};
const distributed = { DATABASE_URL: 'postgres://localhost/x', SPILLWAY_SECRET: 'a-secret-of-16-chars' };

describe('parseConfig', () => {
  test('nothing set is the embedded service', () => {
    expect(parseConfig({})).toMatchObject({
      port: 8080,
      publicUrl: 'http://localhost:8080',
      database: { kind: 'sqlite' },
      redis: undefined,
    });
  });

  test('an empty setting counts as unset', () => {
    expect(parseConfig({ PORT: '', REDIS_URL: ' ' }).port).toBe(8080);
  });

  test.each([
    ['PORT', '70000'],
    ['PORT', '-1'],
    ['PUBLIC_URL', 'ftp://x'],
    ['PUBLIC_URL', 'https://x/path'],
    ['DATABASE_TIMEOUT', '5'],
    ['LIMIT_REDIRECT', '0/s'],
    ['LIMIT_REDIRECT', '10/d'],
    ['TRUSTED_PROXIES', '10.0.0'],
    ['INSTANCE', 'a b'],
    ['DOMAINS', 'a_b'],
    ['DOMAINS', 'short.example:65536'],
    ['DOMAINS', 'short.example:0'],
    ['ROLE', 'web'],
    ['WORKERS', '2'],
    ['REDIS_MASTER', 'mymaster'],
    ['ANONYMOUS_CREATE', 'yes'],
    ['SPILLWAY_SECRET', 'short'],
  ])('%s=%s is refused by name', (name, value) => {
    const issues = issuesOf({ [name]: value });
    expect(Object.keys(issues).length).toBeGreaterThan(0);
    expect(Object.keys(issues)[0]).toMatch(new RegExp(`^(${name}|REDIS_SENTINELS)$`));
  });

  test('a secret is never repeated', () => {
    expect(
      JSON.stringify(
        issuesOf({ SPILLWAY_SECRET: 'hunter2', ADMIN_KEY: 'hunter3', DATABASE_URL: 'mysql://u:hunter4@h/d' }),
      ),
    ).not.toContain('hunter');
  });

  test('PostgreSQL wants the secret, Redis wants PostgreSQL, and one Redis is enough', () => {
    expect(issuesOf({ DATABASE_URL: 'postgres://localhost/x' })).toHaveProperty('SPILLWAY_SECRET');
    expect(issuesOf({ REDIS_URL: 'redis://localhost' })).toHaveProperty('DATABASE_URL');
    expect(issuesOf({ ...distributed, REDIS_URL: 'redis://a', REDIS_CLUSTER: 'b:1' })).toHaveProperty('REDIS_CLUSTER');
    expect(parseConfig({ ...distributed, REDIS_SENTINELS: 'a,b:26380', REDIS_MASTER: 'm' }).redis).toMatchObject({
      kind: 'sentinel',
      sentinels: [
        { host: 'a', port: 26379 },
        { host: 'b', port: 26380 },
      ],
    });
  });

  test('a rate has a unit and may have a burst', () => {
    expect(parseConfig({ LIMIT_MISS: '5/m' }).limits.miss).toEqual({ tokens: 5, every: '1m', burst: 5 });
    expect(parseConfig({ LIMIT_MISS: '5/h burst 7' }).limits.miss).toEqual({ tokens: 5, every: '1h', burst: 7 });
    expect(parseConfig({ LIMIT_MISS: 'off' }).limits.miss).toBe('off');
  });
});
