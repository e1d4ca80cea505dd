import type { Outdated } from './outdated.ts';
import type { TagRecord } from './tag-record.ts';

/**
 * What this process knows of tags: which of them were outdated while something here was under them. Whoever is under a tag compares
 * a number when it is asked; so an invalidation costs the same for one entry and for a million. Bounded by who is under tags:
 * entries of L1 and look-ups under way.
 */
export class TagIndex {
  readonly #nodes = new Map<string, TagNode>();

  /** From now on it sees what becomes of these tags, until it is released. */
  hold(tags: readonly string[]): Tagged {
    const nodes = tags.map((tag) => {
      let node = this.#nodes.get(tag);
      if (node === undefined) {
        node = { tag, users: 0, changes: 0, barredAt: 0 };
        this.#nodes.set(tag, node);
      }
      node.users += 1;
      return node;
    });
    return new Tagged(tags, nodes, this.#nodes);
  }

  outdate(tag: string, as: Outdated): void {
    const node = this.#nodes.get(tag);
    if (node === undefined) return;
    node.changes += 1;
    if (as === 'invalidated') node.barredAt = node.changes;
  }

  /** Tags that something here is under. */
  get size(): number {
    return this.#nodes.size;
  }
}

interface TagNode {
  readonly tag: string;
  users: number;
  /** Expiries and invalidations that were heard of. */
  changes: number;
  /** `changes` as of the last invalidation. */
  barredAt: number;
}

/** What a `Tagged` costs, and what each tag does: its node, its place in the map, the words of its record. Measured on V8, rounded up. */
const TAGGED_BYTES = 300;
const TAG_BYTES = 350;

/** What is under some tags: a look-up, an entry. Shared; who keeps it retains it. */
export class Tagged {
  readonly tags: readonly string[];
  /** What the store had under them before the load, in the order of `tags`; undefined while nobody knows. */
  records: readonly TagRecord[] | undefined;
  readonly #nodes: readonly TagNode[];
  readonly #seen: readonly number[];
  readonly #all: Map<string, TagNode>;
  #users = 1;

  /** @param all of the index: where a node leaves when nothing is under it any more */
  constructor(tags: readonly string[], nodes: readonly TagNode[], all: Map<string, TagNode>) {
    this.tags = tags;
    this.#nodes = nodes;
    this.#seen = nodes.map(({ changes }) => changes);
    this.#all = all;
  }

  /** The worst that was heard of any of its tags since it was made. */
  get outdated(): Outdated | undefined {
    let worst: Outdated | undefined;
    for (let at = 0; at < this.#nodes.length; at += 1) {
      const { changes, barredAt } = this.#nodes[at] as TagNode;
      const seen = this.#seen[at] as number;
      if (barredAt > seen) return 'invalidated';
      if (changes > seen) worst = 'expired';
    }
    return worst;
  }

  /** As estimated. */
  get bytes(): number {
    let bytes = TAGGED_BYTES;
    for (const tag of this.tags) bytes += TAG_BYTES + 2 * tag.length;
    return bytes;
  }

  retain(): this {
    this.#users += 1;
    return this;
  }

  release(): void {
    this.#users -= 1;
    if (this.#users !== 0) return;
    for (const node of this.#nodes) {
      node.users -= 1;
      if (node.users === 0) this.#all.delete(node.tag);
    }
  }
}
