/**
 * What every source of blocks must do alike, as a suite to call from a test file: `blockSourceSuite({ name, create })`.
 * What a source promises beyond one process is said by its capabilities, and tested when claimed.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BlockSource } from '../block-source.ts';
import { BlockSizeMismatchError } from '../errors.ts';
import { createIdAllocator } from '../id-allocator.ts';

export interface SourceUnderTest {
  /** Another instance's source on the same truth. A source that knows no others gives the same one again. */
  instance(sequence: string): BlockSource;
  close?(): Promise<void>;
}

export interface BlockSourceSuiteOptions {
  readonly name: string;
  /** A truth without any block taken. */
  create(): Promise<SourceUnderTest>;
  readonly capabilities: {
    /** Instances made one after the other go on where the last one ended. */
    readonly remembers: boolean;
    /** Knows sequences that have nothing to do with each other. */
    readonly sequences: boolean;
  };
}

export function blockSourceSuite({ name, create, capabilities }: BlockSourceSuiteOptions): void {
  describe(`blocks from ${name}`, () => {
    let truth: SourceUnderTest;
    beforeEach(async () => {
      truth = await create();
    });
    afterEach(async () => truth.close?.());

    const takeOneByOne = async (source: BlockSource, count: number, blockSize = 10) => {
      const numbers: number[] = [];
      for (let i = 0; i < count; i++) numbers.push((await source.next({ blockSize })).number);
      return numbers;
    };

    test('are numbered by integers from 1 on, close together', async () => {
      const numbers = await takeOneByOne(truth.instance('a'), 20);
      expect(numbers.every((number) => Number.isSafeInteger(number) && number >= 1)).toBe(true);
      expect(Math.max(...numbers)).toBeLessThanOrEqual(40);
    });

    test('name who proposed them', async () => {
      const block = await truth.instance('a').next({ blockSize: 10 });
      expect(block.proposedBy).toMatch(/^(redis|sql|memory)$/);
      expect(block.conflicts).toBeGreaterThanOrEqual(0);
    });

    test('G1: are given out once, to five instances that ask at the same time', async () => {
      const instances = Array.from({ length: 5 }, () => truth.instance('a'));
      const numbers = (await Promise.all(instances.map((source) => takeOneByOne(source, 20)))).flat();
      expect(new Set(numbers).size).toBe(100);
    });

    test('G1: are given out once, to callers of one instance that do not wait for each other', async () => {
      const source = truth.instance('a');
      const blocks = await Promise.all(Array.from({ length: 8 }, () => source.next({ blockSize: 10 })));
      expect(new Set(blocks.map(({ number }) => number)).size).toBe(8);
    });

    test('G1: make ids that no two allocators share, one by one and in batches', async () => {
      const allocators = Array.from({ length: 3 }, () =>
        createIdAllocator({ source: truth.instance('a'), blockSize: 20 }),
      );
      const ids = await Promise.all(
        allocators.flatMap((ids) => [
          ids.take(50),
          ids.take(3),
          ...Array.from({ length: 100 }, async () => [await ids.next()]),
        ]),
      );
      await Promise.all(allocators.map((allocator) => allocator.close()));
      expect(new Set(ids.flat()).size).toBe(3 * 153);
    });

    test('G1: come in one size only, since two sizes would overlap', async () => {
      await takeOneByOne(truth.instance('a'), 1, 10);
      const other = truth.instance('a');
      await expect(other.next({ blockSize: 20 })).rejects.toThrow(BlockSizeMismatchError);
      await expect(other.next({ blockSize: 20 })).rejects.toThrow(/blockSize to 10/);
      expect(await takeOneByOne(other, 1, 10)).toHaveLength(1);
    });

    test.runIf(capabilities.remembers)('G1: are not given out again to an instance that starts later', async () => {
      const before = await takeOneByOne(truth.instance('a'), 5);
      const after = await takeOneByOne(truth.instance('a'), 5);
      expect(Math.min(...after)).toBeGreaterThan(Math.max(...before));
    });

    test.runIf(capabilities.sequences)('G8: belong to their sequence, whatever characters it holds', async () => {
      const sequences = ['a', 'a:b', 'a}:b', '{a}', '*', '', 'A', "a'--", 'ä', 'a\nb'];
      for (const [index, sequence] of sequences.entries()) {
        const numbers = await takeOneByOne(truth.instance(sequence), 2, 10 + index);
        expect(numbers, sequence).toEqual([1, 2]);
      }
    });
  });
}
