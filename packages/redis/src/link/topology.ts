import type { RedisArgument, RedisLink } from '../link.ts';
import type { Lane } from './lane.ts';

/** Where commands go: one server, or the nodes of a Cluster. The only thing a link needs to know of its client. */
export interface Topology {
  readonly kind: RedisLink['topology'];
  /** The lane a command belongs to; undefined when no server is known for it yet. */
  route(name: string, args: readonly RedisArgument[]): Lane | undefined;
  /** How many servers there should be, and how many serve. */
  serving(): { readonly wanted: number; readonly serving: number };
  readonly lastError: unknown;
  /** Lanes on sockets of their own, made as commands need them. */
  dedicated(): DedicatedLanes;
  /** One try at a subscription; `ended` is called once, when it fails or breaks. Returns how to end it. */
  subscribeOnce(channel: string, events: SubscriptionEvents): () => void;
  close(): Promise<void>;
}

export interface DedicatedLanes {
  route(name: string, args: readonly RedisArgument[]): Lane | undefined;
  drop(error: unknown): void;
  close(): Promise<void>;
}

export interface SubscriptionEvents {
  message(payload: string): void;
  whole(): void;
  ended(error: unknown): void;
}

/** What the link tells its topology. */
export interface TopologyContext {
  /** A lane began or ceased to serve, or appeared, or went. */
  readonly changed: () => void;
}
