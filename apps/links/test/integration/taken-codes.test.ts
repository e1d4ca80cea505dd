import { createShortCode } from '@spillway/ids';
import { describe, expect, test } from 'vitest';
import type { Link } from '../../src/links/link.ts';
import { CONFIGURATIONS, startApiService } from '../support/api-client.ts';

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
