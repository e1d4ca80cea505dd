import { join } from 'node:path';
import { temporaryDirectory } from '@spillway/testkit';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { exportLinks } from '../../src/cli/export-links.ts';
import { importLinks } from '../../src/cli/import/import-links.ts';
import { type ListedLink, listLinks } from '../../src/cli/links-api.ts';
import { openService } from '../../src/cli/service.ts';
import { PLAIN_TEXT } from '../../src/http/route-schemas.ts';
import { aliasFault } from '../../src/links/alias.ts';
import { ADMIN_KEY, type ApiService, startApiService } from '../support/api-client.ts';
import { collect } from '../support/collect.ts';

let source: ApiService;
let target: ApiService;
const directory = temporaryDirectory({ name: 'round-trip' });
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));

beforeAll(async () => {
  source = await startApiService('SQLite', { DOMAINS: 'go.example' });
  target = await startApiService('SQLite', { DOMAINS: 'go.example' });
  vi.spyOn(console, 'log').mockImplementation(() => undefined);
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
});

afterAll(async () => {
  vi.restoreAllMocks();
  await Promise.all([source, target].map((service) => service?.[Symbol.asyncDispose]()));
  await directory.close();
});

/** What the cells of a table make of it is the question: signs of CSV, of formulas and of lists, blanks, and any plane. */
const text = (most: number) =>
  fc
    .oneof(
      fc.string({ unit: fc.constantFrom(...`'"=+-@;,|[]{}\\\u00a0\u2028\ufeff a1`), minLength: 1, maxLength: 12 }),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }),
      fc.constantFrom('=HYPERLINK(1)', "'=HYPERLINK(1)", "'tis", 'a;b,c', '["a","b"]', 'null', 'true', '1e3', 'url'),
    )
    .map((one) => one.trim().slice(0, most))
    .filter((one) => one !== '' && one === one.trim() && PLAIN_TEXT.test(one));
const maybe = <Value>(of: fc.Arbitrary<Value>) => fc.option(of, { nil: undefined });
const alias = fc
  .string({ unit: fc.constantFrom(...'=09AZaz_-'.slice(1)), minLength: 3, maxLength: 20 })
  .filter((one) => aliasFault(one) === undefined);
const link = fc.record({
  path: fc.webPath(),
  query: fc.string({ unit: fc.constantFrom(...`;,'"=&%20+#`), maxLength: 8 }),
  alias: maybe(alias),
  domain: maybe(fc.constantFrom('go.example', 'GO.example')),
  title: maybe(text(500)),
  tags: maybe(fc.uniqueArray(text(64), { maxLength: 20 })),
  status: maybe(fc.constantFrom(301, 302, 307, 308)),
  expiresAt: maybe(
    fc
      .date({ min: new Date('2100-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true })
      .map((date) => date.toISOString()),
  ),
  maxClicks: maybe(fc.integer({ min: 1, max: 1_000_000_000 })),
});

async function linksOf({ url }: ApiService, search: string): Promise<ListedLink[]> {
  const service = openService({ server: url, key: ADMIN_KEY });
  try {
    return await collect(listLinks(service, { search }));
  } finally {
    await service.close();
  }
}

/** All that makes a link what it is to its owner, but for its place in time. */
const essence = ({ code, domain, onDefaultDomain, url, title, tags, status, expiresAt, maxClicks }: ListedLink) => ({
  address: `${onDefaultDomain ? 'default' : domain}/${code}`,
  ...{ url, title, tags, status, expiresAt, maxClicks },
});
const essences = (links: readonly ListedLink[]) => links.map(essence).sort((a, b) => (a.address < b.address ? -1 : 1));

test.each(['csv', 'ndjson'])(`what was exported as %s comes back as it was, seed ${seed}`, async (format) => {
  let round = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(link, { minLength: 1, maxLength: 30 }), async (links) => {
      round += 1;
      const mark = `${format}-${round}.example`;
      const bodies = links.map(({ path, query, ...rest }) => ({ url: `https://${mark}${path}?${query}`, ...rest }));
      const answer = await source.call('POST', '/api/v1/links/batch', { body: { links: bodies } });
      // What is no URL, or an alias that another round took, is refused.
      const made = answer.body.results.filter(({ status }: { status: number }) => status === 201).length;
      const file = join(directory.path, `${mark}.${format}`);
      const key = { key: ADMIN_KEY };
      expect(await exportLinks([], { ...key, server: source.url, format, output: file, search: mark })).toBe(0);
      const options = { ...key, server: target.url, format: 'auto', batch: '500', concurrency: '2' };
      expect(await importLinks([file], options)).toBe(0);
      const before = await linksOf(source, mark);
      expect(before).toHaveLength(made);
      expect(essences(await linksOf(target, mark))).toEqual(essences(before));
    }),
    { numRuns: 60, seed },
  );
});
