import { startRedis } from '@spillway/testkit';
import { describe, expect, test } from 'vitest';
import { slotOf } from '../../src/core/slot.ts';
import { createKeys } from '../../src/index.ts';
import { fc } from './support.ts';

const keys = createKeys({ prefix: 'app', package: 'limit', version: 1 });

/** Strings made of what separates, tags, escapes, matches, ends lines, or is half a character. */
const hostile = fc.oneof(
  fc
    .array(
      fc.constantFrom(
        ...[
          '{',
          '}',
          ':',
          '%',
          '*',
          '?',
          '[',
          ']',
          '\\',
          '\n',
          '\r',
          '\0',
          ' ',
          '\u007f',
          '\u0085',
          '\ud800',
          '\udbff',
        ],
        ...[
          '\udc00',
          '\udfff',
          '🙂',
          'é',
          'e\u0301',
          '%7B',
          '%7b',
          '%uD800',
          '7B',
          'uD800',
          'a',
          'A',
          '1',
          '__proto__',
        ],
      ),
      { maxLength: 6 },
    )
    .map((parts) => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 5 }),
);

const identity = fc.tuple(hostile, fc.array(hostile, { maxLength: 3 }));

describe('G8: keys', () => {
  test('no two lists of identifiers make one key, as Redis sees it: in bytes', () => {
    fc.assert(
      fc.property(identity, identity, ([subject, parts], [otherSubject, otherParts]) => {
        const same = JSON.stringify([subject, parts]) === JSON.stringify([otherSubject, otherParts]);
        const bytes = Buffer.from(keys(subject, ...parts));
        const otherBytes = Buffer.from(keys(otherSubject, ...otherParts));
        expect(bytes.equals(otherBytes)).toBe(same);
      }),
      { numRuns: 20_000 },
    );
  });

  test('no two of ten thousand hostile lists meet', () => {
    const seen = new Map<string, string>();
    fc.assert(
      fc.property(identity, ([subject, parts]) => {
        const key = Buffer.from(keys(subject, ...parts)).toString('hex');
        const name = JSON.stringify([subject, parts]);
        expect(seen.get(key) ?? name).toBe(name);
        seen.set(key, name);
      }),
      { numRuns: 10_000 },
    );
    expect(seen.size).toBeGreaterThan(1_000);
  });

  test('packages, versions and prefixes do not meet', () => {
    const families = [
      createKeys({ prefix: 'app', package: 'cache', version: 1 }),
      createKeys({ prefix: 'app', package: 'limit', version: 2 }),
      createKeys({ prefix: 'app.limit', package: 'limit', version: 1 }),
    ];
    fc.assert(
      fc.property(identity, identity, ([subject, parts], [other, otherParts]) => {
        for (const family of families) expect(family(other, ...otherParts)).not.toBe(keys(subject, ...parts));
      }),
    );
  });

  test('all keys of a subject share a slot, and hold nothing that a pattern or a line would trip over', () => {
    fc.assert(
      fc.property(identity, ([subject, parts]) => {
        const key = keys(subject, ...parts);
        expect(slotOf(key)).toBe(slotOf(keys(subject)));
        expect(key).not.toMatch(/[*?[\]\\\s\p{Cc}]/u);
        expect(key.isWellFormed()).toBe(true);
      }),
    );
  });

  test('the slots are those of a real Redis Cluster, whatever the key holds', async () => {
    await using redis = await startRedis({ config: { 'cluster-enabled': 'yes' } });
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          hostile,
          identity.map(([subject, parts]) => keys(subject, ...parts)),
        ),
        async (key) => {
          expect(slotOf(key)).toBe(await redis.command('CLUSTER', 'KEYSLOT', key));
        },
      ),
      { numRuns: 300 },
    );
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 40 }), async (key) => {
        expect(slotOf(key)).toBe(await redis.command('CLUSTER', 'KEYSLOT', key));
      }),
      { numRuns: 100 },
    );
  });

  test('a prefix or package that could open another family is refused', () => {
    for (const prefix of ['', 'a:b', 'a{b', 'a b', 'ä']) {
      expect(() => createKeys({ prefix, package: 'limit', version: 1 })).toThrow(JSON.stringify(prefix));
    }
    expect(() => createKeys({ prefix: 'a', package: 'b:c', version: 0 })).toThrow(/package: [\s\S]*version: /);
  });
});
