import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromTagsCell, fromTextCell, toTagsCell, toTextCell } from './csv-cells.ts';

const awkward = fc.string({
  unit: fc.constantFrom(...`'"=+-@;,[]\\ a\uff1d\uff0b\uff0d\uff20`),
  minLength: 1,
  maxLength: 12,
});
const text = fc
  .oneof(awkward, fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }))
  .map((one) => one.trim())
  .filter((one) => one !== '');

test('no text is a formula in its cell, and each comes back', () => {
  fc.assert(
    fc.property(text, (one) => {
      expect(toTextCell(one)).not.toMatch(/^[=+\-@\uff1d\uff0b\uff0d\uff20]/);
      expect(fromTextCell(toTextCell(one))).toBe(one);
    }),
  );
  expect(toTextCell('=HYPERLINK(1)')).toBe("'=HYPERLINK(1)");
  expect(toTextCell("'=HYPERLINK(1)")).toBe("''=HYPERLINK(1)");
  // Spreadsheets of East Asia read full-width signs as the plain ones.
  expect(toTextCell('\uff1dHYPERLINK(1)')).toBe("'\uff1dHYPERLINK(1)");
  expect(toTextCell("'tis")).toBe("'tis");
  expect(fromTextCell("'tis")).toBe("'tis");
});

test('no tags make a formula of their cell, and all come back', () => {
  fc.assert(
    fc.property(fc.uniqueArray(text, { maxLength: 20 }), (tags) => {
      expect(toTagsCell(tags)).not.toMatch(/^[=+\-@\uff1d\uff0b\uff0d\uff20]/);
      expect(fromTagsCell(toTagsCell(tags))).toEqual(tags);
    }),
  );
  expect(toTagsCell(['a', 'b c'])).toBe('a;b c');
  expect(toTagsCell(['a;b,c', 'd'])).toBe('["a;b,c","d"]');
});

test('tags written by hand are read with either separator; what only looks like a list is a tag', () => {
  expect(fromTagsCell('a; b,c;')).toEqual(['a', 'b', 'c']);
  expect(fromTagsCell('[a];b')).toEqual(['[a]', 'b']);
  expect(fromTagsCell('[1]')).toEqual(['[1]']);
});
