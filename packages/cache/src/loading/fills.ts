import type { EntryTag } from '../store.ts';
import type { L1Tier } from '../tiers/l1-tier.ts';
import type { L2Tier } from '../tiers/l2-tier.ts';
import type { Life } from '../tiers/shelf-life.ts';
import type { Tags } from '../tiers/tags.ts';
import type { Values } from '../values/values.ts';
import type { Flight } from './flight.ts';
import type { HeldLease } from './held-lease.ts';

/** What a fill is made by. */
export interface FillBy {
  readonly token: string;
  /** As their records stood before the load. */
  readonly tags: readonly EntryTag[] | undefined;
  readonly lease: HeldLease | undefined;
}

/** How a leased load has ended, by what became of its fill. */
const ENDINGS = { filled: 'filled', refused: 'again', failed: 'unkept' } as const;

export interface FillParts<Value> {
  readonly l1: L1Tier<Value>;
  readonly l2: L2Tier | undefined;
  readonly tags: Tags;
  readonly values: Values<Value>;
}

/** Fills of L2 under way: nobody waits for them but `close`. */
export class Fills<Value> {
  readonly #parts: FillParts<Value>;
  #underWay = 0;
  readonly #whenSettled: (() => void)[] = [];

  constructor(parts: FillParts<Value>) {
    this.#parts = parts;
  }

  begin(
    { errand: { key, under }, beganUs }: Flight<Value>,
    { lease, ...by }: FillBy,
    value: Value | undefined,
    life: Life,
  ): void {
    const { l1, l2, tags, values } = this.#parts;
    const encoded = values.encode(value);
    if (l2 === undefined || encoded === undefined) {
      void lease?.end('unkept');
      return;
    }
    if (under !== undefined) tags.prolong(under, life.usableMs);
    this.#underWay += 1;
    void l2.fill(key, { ...by, ...encoded }, life, beganUs).then(async (outcome) => {
      // The token was gone: perhaps by an invalidation of which the bus has not told yet.
      if (outcome === 'refused') l1.doubt(key);
      await lease?.end(ENDINGS[outcome]);
      this.#underWay -= 1;
      if (this.#underWay === 0) for (const settle of this.#whenSettled.splice(0)) settle();
    });
  }

  /** Resolves when none is under way. */
  async settled(): Promise<void> {
    if (this.#underWay > 0) await new Promise<void>((resolve) => this.#whenSettled.push(resolve));
  }
}
