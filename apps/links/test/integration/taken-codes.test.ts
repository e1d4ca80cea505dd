import { createShortCode } from '@spillway/ids';
import { describe, expect, test } from 'vitest';
import type { Link } from '../../src/links/link.ts';
import { createLinks, type NewLink } from '../../src/links/links.ts';
import { CONFIGURATIONS, startApiService } from '../support/api-client.ts';

const plainLink = (url: string): NewLink => ({
  url,
  alias: undefined,
  domainId: 1,
  title: undefined,
  tags: [],
  status: 302,
  expiresAtMs: undefined,
  maxClicks: undefined,
  password: undefined,
});

describe.each(CONFIGURATIONS)('generated codes that are aliases already, on %s', (configuration) => {
  test('G1: the next one may wait for a new block of ids, which is written to the same database', async () => {
    await using api = await startApiService(configuration);
    const { database, ids, secret, store } = api.instance.services;
    const { code: alias } = await api.create({ alias: 'taken-before' });
    const [id = 0] = await ids.take(1);
    const link: Link = { ...((await store.find({ domainId: 1, code: alias })) as Link), id, codeFrom: 'id' };
    const { result } = await store.insert([{ link, idempotency: undefined }], async () => {
      await database.sql.query("INSERT INTO settings (name, value) VALUES ('as-a-block', 'would be')");
      return createShortCode({ secret }).encode(id);
    });
    expect(result).toMatchObject([{ outcome: 'created', link: { id, code: createShortCode({ secret }).encode(id) } }]);
  }, 15_000);

  test('a code that spells a reserved word, in any case, is skipped: every link that is made redirects', async () => {
    await using api = await startApiService(configuration);
    const codes = ['MeTriCS', 'heaLthz', 'aB3xY9k', 'acCount', 'dE4zW8m'];
    const shortCode = { encode: () => codes.shift() ?? '' };
    const links = createLinks({ ...api.instance.services, shortCode, announce: () => undefined });
    const create = async (...paths: string[]) =>
      links.create(
        paths.map((path, position) => ({ link: plainLink(`https://example.com${path}`), position })),
        { owner: 'somebody', createdBy: undefined, idempotencyKey: undefined },
      );
    const codesOf = (made: Awaited<ReturnType<typeof create>>) =>
      made.map((outcome) => ('link' in outcome ? outcome.link.code : outcome.outcome));
    expect(codesOf(await create('/first', '/second'))).toEqual(['aB3xY9k', 'dE4zW8m']);
    // One that is taken leads to a reserved one.
    codes.push('dE4zW8m', 'SuPPort', 'gJ6tS3p');
    expect(codesOf(await create('/third'))).toEqual(['gJ6tS3p']);
    for (const [code, path] of Object.entries({ aB3xY9k: '/first', dE4zW8m: '/second', gJ6tS3p: '/third' })) {
      expect((await api.visit(`/${code}`)).headers.get('location')).toBe(`https://example.com${path}`);
    }
  });

  test('G1: raced by the aliases themselves, everyone gets a code of his own', async () => {
    await using api = await startApiService(configuration);
    const { ids, secret } = api.instance.services;
    const codes = createShortCode({ secret });
    for (let round = 0; round < 10; round += 1) {
      const [now = 0] = await ids.take(1);
      // Each alias takes an id as well, so of the next 20 ids about half are for generated codes.
      const wanted = Array.from({ length: 20 }, (_, i) => codes.encode(now + 1 + i));
      const requests = wanted.flatMap((code, i) => [
        { alias: code, url: `https://example.com/alias/${round}/${i}` },
        { url: `https://example.com/generated/${round}/${i}` },
      ]);
      const answers = await Promise.all(requests.map((body) => api.call('POST', '/api/v1/links', { body })));
      for (const [i, { status, body }] of answers.entries()) {
        expect(status, body.detail).toBeOneOf(requests[i]?.alias === undefined ? [201] : [201, 409]);
        if (status !== 201) continue;
        expect((await api.visit(`/${body.code}`)).headers.get('location')).toBe(requests[i]?.url);
      }
      const made = answers.filter(({ status }) => status === 201).map(({ body }) => body.code);
      expect(new Set(made).size).toBe(made.length);
    }
  });
});
