/**
 * Messages to every instance, at most once and unordered between publishers. `live` says whether this instance can be sure
 * that it missed nothing: without it, what was learnt over the bus may be old (G5).
 */
export interface Bus {
  /** Never throws and never waits. A message that can not be sent is lost, and its receivers notice by the gap. */
  publish(topic: string, message: string): void;
  /** Messages that other instances published under `topic`, never this one's own. Returns how to stop. */
  subscribe(topic: string, receive: (message: string) => void): () => void;
  /** False from the moment a message may have been missed until the subscription is whole again. */
  readonly live: boolean;
  /** Called after each moment at which messages may have been missed: drop what can not be proven. */
  onGap(listener: () => void): () => void;
  close(): Promise<void>;
}

/** How many instances share the limits and the work. */
export interface Presence {
  /** Live instances by the store's last answer, this one included; at least 1. Kept while the store is away. */
  readonly instances: number;
  close(): Promise<void>;
}
