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
    return new Tagged(tags, nodes, (node) => this.#nodes.delete(node.tag));
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

/** What a node, its place in the map and a `Tagged` cost, and what the store's record does. Measured on V8, rounded up. */
const TAG_BYTES = 350;

/** What is under some tags: a look-up, an entry. Shared; who keeps it retains it. */
export class Tagged {
  readonly tags: readonly string[];
  /** What the store had under them before the load, in the order of `tags`; undefined while nobody knows. */
  records: readonly TagRecord[] | undefined;
  readonly #nodes: readonly TagNode[];
  readonly #seen: readonly number[];
  readonly #onUnused: (node: TagNode) => void;
  #users = 1;

  constructor(tags: readonly string[], nodes: readonly TagNode[], onUnused: (node: TagNode) => void) {
    this.tags = tags;
    this.#nodes = nodes;
    this.#seen = nodes.map(({ changes }) => changes);
    this.#onUnused = onUnused;
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
    let bytes = 0;
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
      if (node.users === 0) this.#onUnused(node);
    }
  }
}
