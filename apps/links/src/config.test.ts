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
    ['PUBLIC_URL', 'http://sho.rt/#x'],
    ['PUBLIC_URL', 'http://sho.rt?'],
    ['PUBLIC_URL', 'http://:pw@sho.rt'],
    ['PUBLIC_URL', 'http:sho.rt'],
    ['PUBLIC_URL', 'http://sho.rt\\'],
    ['PUBLIC_URL', 'http://sho\trt'],
    ['PUBLIC_URL', 'http://sho.rt:0'],
    ['ADMIN_KEY', 'clé-d-administration-0123'],
    ['REDIS_URL', 'redis://h/abc'],
    ['REDIS_URL', 'redis://h/0/1'],
    ['REDIS_URL', 'redis://h?db=1'],
    ['REDIS_URL', 'redis://:%zz@h'],
    ['REDIS_CACHE_URL', 'redis://h/abc'],
    ['REDIS_CLUSTER', ','],
    ['REDIS_SENTINELS', ' , '],
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
    const issues = issuesOf({
      SPILLWAY_SECRET: 'hunter2',
      ADMIN_KEY: 'hunter3-é-of-16-characters',
      PUBLIC_URL: 'http://:hunter4@h',
      DATABASE_URL: 'postgres:u:hunter5@h/d',
      REDIS_URL: 'redis://:a/hunter6@h/0',
      REDIS_CACHE_URL: 'redis://:a@hunter7@h/x',
    });
    expect(Object.keys(issues)).toHaveLength(6);
    expect(JSON.stringify(issues)).not.toContain('hunter');
  });

  test('all mistakes are told together', () => {
    const wrong = { PORT: 'x', PUBLIC_URL: 'http:h', REDIS_URL: 'redis://h/abc', REDIS_SENTINELS: ',' };
    expect(issuesOf(wrong)).toMatchObject({
      PORT: 'must be an integer from 0 to 65535, got "x"',
      PUBLIC_URL:
        'must be http:// or https:// with a host, perhaps a port, and nothing else, e.g. "https://sho.rt", got "http:h"',
      REDIS_URL: expect.stringMatching(
        /^must end in its host, or in the number of a database, .* got "redis:\/\/h\/abc"$/,
      ),
      DATABASE_URL: expect.stringContaining('is needed with REDIS_URL'),
    });
  });

  test('what is right is left as it is', () => {
    const redis = ['redis://h', 'rediss://u:p%40@h:1/', 'redis://:p@[::1]:6379/15'];
    for (const url of redis) expect(parseConfig({ ...distributed, REDIS_URL: url }).redis).toMatchObject({ url });
    for (const url of ['https://sho.rt', 'http://[::1]:80', 'HTTPS://Sho.rt:8443']) {
      expect(parseConfig({ PUBLIC_URL: `${url}/` }).publicUrl).toBe(url);
    }
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
