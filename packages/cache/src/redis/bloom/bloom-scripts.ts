import { defineScript, integers, ScriptReplyError } from '@spillway/redis';
import type { BloomBatch } from '../../bloom/bloom-store.ts';
import type { BloomShape } from '../../core/bloom/bloom-shape.ts';
import { addLua, beginLua, checkLua, completeLua, fillLua } from './bloom.lua.ts';

interface Filter {
  /** The state and the two bitmaps. */
  readonly keys: readonly string[];
  readonly shape: BloomShape;
}

interface Build extends Filter {
  readonly token: string;
}

/** A generation that is not used for so long goes. */
const LIFE_MS = 30 * 86_400_000;

const specOf = ({ bits, hashes }: BloomShape): string => `${bits}:${hashes}`;
const flag =
  (script: string) =>
  (raw: unknown): boolean =>
    integers(script, [raw], 1)[0] === 1;

export const checkScript = defineScript({
  name: 'bloom.check',
  source: checkLua,
  keys: ({ keys }: Filter & { batch: BloomBatch }) => keys,
  args: ({ shape, batch }) => [specOf(shape), shape.bits, shape.hashes, ...batch.flat()],
  reply(raw): readonly boolean[] | undefined {
    if (!Array.isArray(raw)) throw new ScriptReplyError('bloom.check', 'an array of integers', raw);
    const [known, ...found] = integers('bloom.check', raw, raw.length);
    return known === 1 ? found.map((each) => each === 1) : undefined;
  },
});

export const addScript = defineScript({
  name: 'bloom.add',
  source: addLua,
  keys: ({ keys }: Filter & { batch: BloomBatch }) => keys,
  args: ({ shape, batch }) => [specOf(shape), LIFE_MS, ...batch.flat()],
  reply: (raw) => void integers('bloom.add', [raw], 1),
});

export const beginScript = defineScript({
  name: 'bloom.begin',
  source: beginLua,
  keys: ({ keys }: Build & { leaseMs: number }) => keys,
  args: ({ shape, token, leaseMs }) => [specOf(shape), shape.bits, token, leaseMs, LIFE_MS],
  reply: flag('bloom.begin'),
});

export const fillScript = defineScript({
  name: 'bloom.fill',
  source: fillLua,
  keys: ({ keys }: Build & { leaseMs: number; batch: BloomBatch }) => keys,
  args: ({ shape, token, leaseMs, batch }) => [token, shape.bits, leaseMs, LIFE_MS, ...batch.flat()],
  reply: flag('bloom.fill'),
});

export const completeScript = defineScript({
  name: 'bloom.complete',
  source: completeLua,
  keys: ({ keys }: Build) => keys,
  args: ({ shape, token }) => [token, shape.bits],
  reply: flag('bloom.complete'),
});
