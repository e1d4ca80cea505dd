import type { Clock } from '@spillway/kernel';
import type { Invalidated, SetOptions } from './cache.ts';
import type { Tagged } from './core/tag-index.ts';
import { checkKey } from './keys/check-key.ts';
import type { EntryTag } from './store.ts';
import type { L1Tier } from './tiers/l1-tier.ts';
import type { L2Tier } from './tiers/l2-tier.ts';
import type { Life, ShelfLife } from './tiers/shelf-life.ts';
import type { Tags } from './tiers/tags.ts';
import type { Values } from './values/values.ts';

/** Updates at a time that also fill L1; the ones beyond reach L2 only (G7). */
const MAX_UPDATES = 10_000;

export interface UpdateParts<Value> {
  readonly clock: Clock;
  readonly l1: L1Tier<Value>;
  readonly l2: L2Tier | undefined;
  readonly tags: Tags;
  readonly shelf: ShelfLife;
  readonly values: Values<Value>;
  /** Nothing that was read of the key before now is fresh. */
  readonly drop: (key: string) => void;
  /** Tells the other instances that the key has changed. */
  readonly tell: (key: string, store: Invalidated) => void;
  readonly invalidate: (key: string) => Promise<unknown>;
}

/** What an update has to know of the moment it began. */
interface Begun {
  readonly mark: object;
  readonly under: Tagged | undefined;
  readonly beganUs: number;
  readonly epoch: number;
}

/** Values that come from those who write, and not from a loader. */
export class Updates<Value> {
  readonly #parts: UpdateParts<Value>;
  // The last one under way per key; an invalidation takes it away, and L1 is then not filled.
  readonly #underWay = new Map<string, object>();

  constructor(parts: UpdateParts<Value>) {
    this.#parts = parts;
  }

  async set(key: string, value: Value | undefined, options?: SetOptions): Promise<void> {
    checkKey(key);
    const { l1, l2, shelf, values, tell } = this.#parts;
    const life = shelf.parse(options)(value);
    const { bytes } = values.share(value);
    const { mark, under, ...begun } = this.#begin(key, options);
    const { token, tags } = await this.#claim(key, under, () => life.usableMs);
    const outcome = await this.#fill(key, value, { token, tags, life, beganUs: begun.beganUs });
    if (this.#underWay.get(key) === mark) {
      this.#underWay.delete(key);
      if (outcome !== 'refused') l1.keep(key, { value, bytes, life, under, ...begun });
    }
    under?.release();
    if (l2 === undefined) tell(key, 'off');
    else tell(key, token === undefined ? 'pending' : 'deleted');
  }

  async write<Written extends Value | undefined>(
    key: string,
    change: () => Promise<Written>,
    options?: SetOptions,
  ): Promise<Written> {
    checkKey(key);
    const { l1, l2, shelf, values, drop, tell, invalidate } = this.#parts;
    const lives = shelf.parse(options);
    const { mark, under, ...begun } = this.#begin(key, options);
    // Before the change: whoever writes in between takes the token away, or the records of the tags.
    const { token, tags } = await this.#claim(key, under, () => lives(true).usableMs);
    let alone = false;
    try {
      const { value, bytes } = values.share(await change());
      const life = lives(value);
      const outcome = await this.#fill(key, value, { token, tags, life, beganUs: begun.beganUs });
      alone = this.#underWay.get(key) === mark && (outcome === 'filled' || l2 === undefined);
      if (alone) {
        // Look-ups that began meanwhile may bring the old value.
        drop(key);
        l1.keep(key, { value, bytes, life, under, ...begun });
        tell(key, l2 === undefined ? 'off' : 'deleted');
      }
      return value;
    } finally {
      under?.release();
      if (!alone) await invalidate(key);
    }
  }

  /** The key has changed otherwise: what is being put in may be old by now. */
  overtake(key: string): void {
    if (this.#underWay.size > 0) this.#underWay.delete(key);
  }

  overtakeAll(): void {
    this.#underWay.clear();
  }

  #begin(key: string, options: SetOptions | undefined): Begun {
    const { clock, l1, tags, drop } = this.#parts;
    const under = tags.under(options?.tags);
    const begun = { mark: {}, under, beganUs: clock.nowUs(), epoch: l1.epoch };
    drop(key);
    if (this.#underWay.size < MAX_UPDATES) this.#underWay.set(key, begun.mark);
    return begun;
  }

  /** What the fill needs: a token, and the records of the tags. */
  async #claim(
    key: string,
    under: Tagged | undefined,
    lifeMs: () => number,
  ): Promise<{ readonly token: string | undefined; readonly tags: readonly EntryTag[] | undefined }> {
    const { l2, tags } = this.#parts;
    const [token, entryTags] = await Promise.all([
      l2?.replace(key),
      under === undefined ? [] : tags.claim(under, lifeMs()),
    ]);
    return { token, tags: entryTags };
  }

  async #fill(
    key: string,
    value: Value | undefined,
    by: { token: string | undefined; tags: readonly EntryTag[] | undefined; life: Life; beganUs: number },
  ): Promise<'filled' | 'refused' | 'failed'> {
    const { token, tags, life, beganUs } = by;
    const { l2, values } = this.#parts;
    if (token === undefined || tags === undefined) return 'failed';
    const encoded = values.encode(value);
    if (l2 === undefined || encoded === undefined) return 'failed';
    return await l2.fill(key, { token, tags, ...encoded }, life, beganUs);
  }
}
