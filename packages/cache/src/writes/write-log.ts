/** A write as it stands in a log: plain data, so that JSON brings it back. */
export interface LoggedWrite {
  readonly key: string;
  /** The encoded value; without it, the write removes what stands under the key. */
  readonly text?: string;
}

/**
 * Where writes wait for the truth. How durable a write-behind cache is, is what this is: an `EventLog<LoggedWrite>` of `@spillway/events` fits
 * as it is, and keeps over a `kill -9` what it was given more than 100 ms before; `memoryWriteLog` keeps nothing over the end of its process.
 */
export interface WriteLog {
  /** Takes the write and returns at once. False: it did not, having no room or being closed. Keeps the order of writes of one key. */
  publish(write: LoggedWrite): boolean;
  /**
   * Resolves when everything published before is in the truth, or was refused by it.
   * @throws when `signal` ends the wait, or the log can not tell; nothing is lost by that
   */
  flush(options?: { readonly signal?: AbortSignal }): Promise<void>;
}
