/**
 * The port of the allocator: where blocks of ids come from. Block `number` of size `size` is the ids
 * `(number - 1) * size + 1 ... number * size`.
 */
export interface BlockSource {
  /**
   * A block that was never given out before, to anyone who asks the same sequence.
   * A failed call may have burned a block, but never gives it out later.
   * @throws {StoreUnavailableError} when no block can be had now; the same call may succeed later
   */
  next(request: BlockRequest): Promise<Block>;
}

export interface BlockRequest {
  /** Ids per block. The same for every instance on a sequence: sources refuse a size other than the first one. */
  readonly blockSize: number;
  /** Given up when the allocator closes. A source need only look at it between its steps. */
  readonly signal?: AbortSignal | undefined;
}

export interface Block {
  /** An integer >= 1. */
  readonly number: number;
  /** Who thought of the number: `redis`, `sql`, `memory`, or the name of a source of your own. */
  readonly proposedBy: string;
  /** Numbers that were tried before, and turned out to be taken. */
  readonly conflicts: number;
}
