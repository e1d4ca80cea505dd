import { describe, expect, test } from 'vitest';
import { claimText, deletedText, entryText, parseEntry } from './entry-format.ts';

const id = '0123456789abcdef';
const now = 1_700_000_000_000;
const none = { disownedMs: 0, doubtedMs: 0 };

describe('the entry in Redis', () => {
  // A golden text: a change of it is a change of version.
  test('looks as it did in version 1', () => {
    expect(entryText(id, '{"a":1}', now, now + 1000)).toBe('1V0123456789abcdef0loyw3v280loyw3vu0{"a":1}');
    expect(claimText(id)).toBe('1T0123456789abcdef');
    expect(deletedText(id)).toBe('1D0123456789abcdef');
  });

  test('comes back with its token and its age', () => {
    expect(parseEntry(entryText(id, 'x', now, now + 1000), now + 400, none)).toEqual({
      kind: 'value',
      token: id,
      freshForMs: 600,
      text: 'x',
    });
    expect(parseEntry(entryText(id, undefined, now, now - 5), now, none)).toEqual({
      kind: 'negative',
      token: id,
      freshForMs: -5,
    });
    expect(parseEntry(entryText(id, '', now, now), now, none)).toMatchObject({ kind: 'value', text: '' });
    const inPlaceOfDeleted = `${entryText(id, undefined, now, now + 5)}D`;
    expect(parseEntry(inPlaceOfDeleted, now, none)).toEqual({
      deleted: true,
      kind: 'negative',
      token: id,
      freshForMs: 5,
    });
    expect(parseEntry(inPlaceOfDeleted, now + 5, none)).toEqual({ kind: 'deleted', token: id });
    expect(parseEntry(inPlaceOfDeleted, now, { ...none, doubtedMs: now + 1 })).toMatchObject({ kind: 'deleted' });
    expect(parseEntry(claimText(id), now, none)).toEqual({ kind: 'claimed', token: id });
    expect(parseEntry(deletedText(id), now, none)).toEqual({ kind: 'deleted', token: id });
    expect(parseEntry(null, now, none)).toEqual({ kind: 'absent' });
  });

  test('has its tags in front of the text', () => {
    const tags = [{ tag: 'a:"\ud800"', era: 'e'.repeat(16), version: 'v'.repeat(16) }];
    const raw = entryText(id, 'x', now, now + 1000, tags);
    expect(raw).toBe(
      '1v0123456789abcdef0loyw3v280loyw3vu0-001i["a:\\"\\ud800\\"","eeeeeeeeeeeeeeee","vvvvvvvvvvvvvvvv"]x',
    );
    expect(parseEntry(raw, now, none)).toEqual({ kind: 'value', token: id, freshForMs: 1000, text: 'x', tags });
    const negative = entryText(id, undefined, now, now + 5, tags);
    expect(parseEntry(negative, now, none)).toEqual({ kind: 'negative', token: id, freshForMs: 5, tags });
    const inPlaceOfDeleted = `${negative.slice(0, 36)}D${negative.slice(37)}`;
    expect(parseEntry(inPlaceOfDeleted, now, none)).toMatchObject({ kind: 'negative', tags });
    expect(parseEntry(inPlaceOfDeleted, now + 5, none)).toEqual({ kind: 'deleted', token: id });
    expect(entryText(id, 'x', now, now, [])).toBe(entryText(id, 'x', now, now));
  });

  test.each([36, 37, 40, 41, 60])('an entry whose tags were cut off at %i is nothing, whatever else it says', (end) => {
    const tags = [{ tag: 'a', era: 'e'.repeat(16), version: 'v'.repeat(16) }];
    const cut = entryText(id, 'x', now, now + 1000, tags).slice(0, end);
    expect(parseEntry(cut, now, none)).toEqual({ kind: 'claimed', token: id });
  });

  test('what was loaded before everything was disowned is taken for nothing', () => {
    const entry = entryText(id, 'x', now, now + 1000);
    expect(parseEntry(entry, now, { ...none, disownedMs: now })).toMatchObject({ kind: 'value' });
    expect(parseEntry(entry, now, { ...none, disownedMs: now + 1 })).toEqual({ kind: 'claimed', token: id });
  });

  test('what was loaded before the store may have lost a delete is not fresh, and may stand in for as long as it could', () => {
    const entry = entryText(id, 'x', now, now + 1000);
    expect(parseEntry(entry, now, { ...none, doubtedMs: now })).toMatchObject({ freshForMs: 1000 });
    expect(parseEntry(entry, now, { ...none, doubtedMs: now })).not.toHaveProperty('doubted');
    // And not while it is revalidated.
    const doubted = { ...none, doubtedMs: now + 1 };
    expect(parseEntry(entry, now, doubted)).toMatchObject({ kind: 'value', freshForMs: 0, doubted: true });
    expect(parseEntry(entry, now + 5000, doubted)).toMatchObject({ freshForMs: -4000, doubted: true });
  });

  test('times beyond what 9 digits hold are as late as they can be', () => {
    const entry = entryText(id, 'x', -5, Number.MAX_SAFE_INTEGER);
    expect(parseEntry(entry, now, none)).toMatchObject({ kind: 'value', text: 'x', freshForMs: 36 ** 9 - 1 - now });
  });

  test.each([
    '',
    '1',
    '2V0123456789abcdef0lp1e2i0w0lp1e2j8ox',
    '1X0123456789abcdef',
    'garbage that is long enough',
    '{"a":1}',
  ])('what is not of this format is nothing: %j', (raw) => {
    expect(parseEntry(raw, now, none)).toEqual({ kind: 'absent' });
  });

  test.each(['1V0123456789abcdef', '1V0123456789abcdef0lp1e2i', '1V0123456789abcdef!!!!!!!!!!!!!!!!!!'])(
    'an entry that was cut off or overwritten is replaced by the next fill: %j',
    (raw) => {
      expect(parseEntry(raw, now, none)).toEqual({ kind: 'claimed', token: id });
    },
  );
});
