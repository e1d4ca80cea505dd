import { type Clock, monotonicClock } from '@spillway/kernel';
import type { BloomShape } from '../core/bloom/bloom-shape.ts';
import type { BloomBatch, BloomStore } from './bloom-store.ts';

/**
 * Filters in the memory of **this process alone**: keys that another process adds are not in them, and would be called absent. For one
 * process, and for tests.
 */
export function memoryBloomStore({ clock = monotonicClock }: { readonly clock?: Clock } = {}): BloomStore {
  const spaces = new Map<string, Generations>();
  return {
    open(name, shape) {
      const of = spaces.get(name) ?? { complete: undefined, next: undefined };
      spaces.set(name, of);
      const fits = (generation: Bits | undefined): boolean =>
        generation?.shape.bits === shape.bits && generation.shape.hashes === shape.hashes;
      const nextOf = (token: string): Next | undefined => (of.next?.token === token ? of.next : undefined);
      return {
        async check(batch) {
          const { complete } = of;
          return complete !== undefined && fits(complete) ? batch.map((bits) => hasAll(complete, bits)) : undefined;
        },
        async add(batch) {
          if (!fits(of.complete)) of.complete = undefined;
          if (!fits(of.next)) of.next = undefined;
          for (const generation of [of.complete, of.next]) if (generation !== undefined) setAll(generation, batch);
        },
        async begin(token, leaseMs) {
          const nowUs = clock.nowUs();
          if (of.next !== undefined && of.next.untilUs > nowUs) return 'busy';
          const bytes = new Uint8Array(Math.ceil(shape.bits / 8));
          of.next = { shape, bytes, token, untilUs: nowUs + leaseMs * 1_000 };
          return 'begun';
        },
        async fill(token, leaseMs, batch) {
          const next = nextOf(token);
          if (next === undefined) return 'lost';
          next.untilUs = clock.nowUs() + leaseMs * 1_000;
          setAll(next, batch);
          return 'filled';
        },
        async complete(token) {
          const next = nextOf(token);
          if (next === undefined) return 'lost';
          of.complete = next;
          of.next = undefined;
          return 'completed';
        },
      };
    },
  };
}

interface Bits {
  readonly shape: BloomShape;
  readonly bytes: Uint8Array;
}

interface Next extends Bits {
  readonly token: string;
  untilUs: number;
}

interface Generations {
  complete: Bits | undefined;
  next: Next | undefined;
}

const hasAll = ({ bytes }: Bits, bits: readonly number[]): boolean =>
  bits.every((bit) => ((bytes[bit >>> 3] ?? 0) & (1 << (bit & 7))) !== 0);

function setAll({ bytes }: Bits, batch: BloomBatch): void {
  for (const bits of batch) for (const bit of bits) bytes[bit >>> 3] = (bytes[bit >>> 3] ?? 0) | (1 << (bit & 7));
}
