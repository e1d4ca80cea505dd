import { explore, formatTrace } from '@spillway/testkit';
import { describe, expect, test } from 'vitest';
import { type IdsModelOptions, idsModel, type Variant } from './ids-model.ts';

/** Each space is finite and walked to its end: `unfinished` fails. Together they hold every pair of kinds of fault. */
const SPACES: readonly IdsModelOptions[] = [
  { blocks: 2, faults: { lost: 1, crash: 1, forget: 1 } },
  { blocks: 2, faults: { crash: 1, save: 1, forget: 1 } },
  { blocks: 2, faults: { lost: 2, forget: 2 } },
  { blocks: 1, faults: { lost: 2, crash: 1, save: 1, forget: 1 } },
  { blocks: 1, faults: { lost: 3, forget: 2 } },
  { blocks: 2, faults: { lost: 1, forget: 1, restore: 1 } },
  { blocks: 1, faults: { lost: 1, crash: 1, save: 1, forget: 1, restore: 1 } },
  { blocks: 1, instances: 3, faults: { lost: 1, crash: 1, forget: 1 } },
];

describe('the protocol of ids, over all interleavings', () => {
  for (const space of SPACES) {
    const { instances = 2, blocks, faults } = space;
    test(`G1: no block is given out twice, and no instance gets stuck: ${JSON.stringify({ instances, blocks, ...faults })}`, () => {
      const found = explore(idsModel(space));
      expect(found, formatTrace(found)).toMatchObject({ outcome: 'holds' });
    });
  }
});

// The shortest way in which each mistake breaks the promise. They stand here, so that a change of the model shows in them.
describe('the explorer catches a protocol', () => {
  const faults = { lost: 2, crash: 1, save: 1, forget: 1 };
  const counterExample = (variant: Variant, restore = 0) =>
    `\n${formatTrace(explore(idsModel({ variant, faults: { ...faults, restore } })))}\n`;

  test('without a fence', () => {
    expect(counterExample('no fence')).toMatchInlineSnapshot(`
      "
        1. A: INCR, Redis proposes 1
        2. Redis forgets everything
        3. A: INCR, Redis proposes 1
        => G1: block 1 is given out twice
      "
    `);
  });

  test('that confirms a block after using it', () => {
    expect(counterExample('confirm after use')).toMatchInlineSnapshot(`
      "
        1. A: INCR, Redis proposes 1
        2. B: SQL proposes 1
        => G1: block 1 is given out twice
      "
    `);
  });

  test('whose raise lowers the counter', () => {
    expect(counterExample('raise that lowers')).toMatchInlineSnapshot(`
      "
        1. A: INCR, Redis proposes 1
        2. B: SQL proposes 1
        3. A: INSERT 1 runs, answer lost
        4. A: INCR runs, answer lost
        5. A: INCR, Redis proposes 3
        6. B: INSERT 1 conflicts, highest is 1
        7. B: raise to 1, Redis proposes 2
        => the counter went from 3 back to 2
      "
    `);
  });

  test('that takes a conflict on its second try for its own first success', () => {
    expect(counterExample('conflict on a retry taken for own success')).toMatchInlineSnapshot(`
      "
        1. A: INCR, Redis proposes 1
        2. A: INSERT 1 times out, still under way
        3. B: SQL proposes 1
        4. B: INSERT 1 commits
        5. A: INSERT 1 conflicts, taken for its own
        6. A gives out block 1
        7. B gives out block 1
        => G1: block 1 is given out twice
      "
    `);
  });

  test('that takes a lost answer for success', () => {
    expect(counterExample('lost answer taken for success')).toMatchInlineSnapshot(`
      "
        1. A: INCR, Redis proposes 1
        2. A: INSERT 1 times out, still under way
        3. A gives out block 1
        4. A: SQL proposes 1
        5. A: INSERT 1 commits
        6. A gives out block 1
        => G1: block 1 is given out twice
      "
    `);
  });

  test('that steps over a margin after a restore, and leaves the gaps open', () => {
    expect(counterExample('restore steps over without a floor', 1)).toMatchInlineSnapshot(`
      "
        1. A: INCR, Redis proposes 1
        2. B: SQL proposes 1
        3. A: INSERT 1 commits
        4. A gives out block 1
        5. SQL is restored without the rows 1, and steps over to 1
        6. B: INSERT 1 commits
        7. B gives out block 1
        => G1: block 1 is given out twice
      "
    `);
  });

  test('whose margin counts the rows lost instead of their numbers', () => {
    expect(counterExample('restore steps over rows instead of numbers', 1)).toMatchInlineSnapshot(`
      "
        1. A: INCR, Redis proposes 1
        2. B: INCR, Redis proposes 2
        3. B: INSERT 2 commits
        4. B gives out block 2
        5. SQL is restored without the rows 2, and steps over to 1
        6. B: SQL proposes 2
        7. B: INSERT 2 commits
        8. B gives out block 2
        => G1: block 2 is given out twice
      "
    `);
  });
});
