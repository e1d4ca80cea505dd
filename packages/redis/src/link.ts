import type { Duration } from '@spillway/kernel';
import type { Inspection } from './inspect/inspect-server.ts';
import type { RedisScript } from './script/define-script.ts';

/**
 * `up`        commands pass
 * `degraded`  commands pass, but a part of the Cluster does not answer: those that belong there fail at once
 * `down`      nothing passes: every command fails at once. This includes half-open, where only the link's own probe passes
 */
export type LinkState = 'up' | 'degraded' | 'down';

export type RedisArgument = string | number | Uint8Array;

export interface CommandOptions {
  /** Milliseconds after which the caller is told that there was no answer. Default: the link's deadline. */
  readonly deadlineMs?: number;
  /** Bulk strings of the reply as `Buffer` instead of UTF-8 strings. */
  readonly binary?: boolean;
}

/** Something that sends commands, each at most once. */
export interface RedisCommands {
  /**
   * Sends one command. It is never sent again: **past its deadline it may still run, once, at any later time**, so what it
   * writes must be harmless when late.
   * @throws {StoreUnavailableError} no answer within the deadline, no connection, breaker open, or too many unanswered; its
   *   `mayHaveRun` is false when the command was not sent, or the server said that it did not run
   * @throws {RedisReplyError} the server refused it: NOPERM, OOM, WRONGTYPE
   */
  command<Reply>(name: string, args: readonly RedisArgument[], options?: CommandOptions): Promise<Reply>;
  /** Runs a script: EVALSHA, and EVAL when the server does not know it (then it had not run). Errors as for `command`. */
  run<Input, Reply>(script: RedisScript<Input, Reply>, input: Input, options?: CommandOptions): Promise<Reply>;
}

/** A socket of one's own, for reads that block. Its default deadline is 30 seconds: block for less, or say more. */
export interface RedisConnection extends RedisCommands {
  close(): Promise<void>;
}

export interface Subscriber {
  /** A message on the channel. */
  message(payload: string): void;
  /** From now on every message arrives, until `broken`. Called again after each recovery. */
  whole?(): void;
  /** The connection is gone; messages are being missed. */
  broken?(): void;
}

export interface Subscription {
  /** Drops the connection and makes a new one: for a receiver that knows better than TCP that nothing arrives. */
  reconnect(): void;
  close(): Promise<void>;
}

/** A connection to one Redis, Sentinel group or Cluster that fails fast, recovers by itself and never sends twice. */
export interface RedisLink extends RedisCommands {
  /** For metrics and messages. */
  readonly name: string;
  readonly topology: 'plain' | 'sentinel' | 'cluster';
  /** Milliseconds that a command may take by default. */
  readonly deadlineMs: number;
  readonly state: LinkState;
  /** Called after each change. Returns how to stop. */
  onState(listener: (state: LinkState, previous: LinkState) => void): () => void;
  /**
   * Resolves once the link is `up` (at once if it is).
   * @throws {StoreUnavailableError} after `timeout` (default: never), with the last error of the connection as its cause
   */
  ready(options?: { readonly signal?: AbortSignal; readonly timeout?: Duration }): Promise<void>;
  /**
   * The value of a key. Cheaper than a GET by `command` where many are asked for in one turn of the event loop: they travel as one
   * MGET, except on a Cluster, **after** all other commands of that turn. Errors as for `command`.
   */
  get(key: string): Promise<string | null>;
  /**
   * Calls `send`, once, at the end of this turn of the event loop, when its commands for the server of `key` are about to leave:
   * what `send` sends leaves with them. For those who put many calls into one command. It must not throw.
   */
  gather(key: string, send: () => void): void;
  /** A socket of one's own, for blocking reads. Closes with the link. */
  dedicated(): RedisConnection;
  /** Listens to one channel on a socket of its own, for as long as the link lives. */
  subscribe(channel: string, subscriber: Subscriber): Subscription;
  /**
   * The server's version and what its settings put at risk; on a Cluster, those of one of its nodes.
   * @throws {RedisReplyError} when the user lacks the right to INFO
   */
  inspect(): Promise<Inspection>;
  close(): Promise<void>;
}
