import type { RedisArgument } from '../link.ts';

/** One command on its way: what a wire sends, and where its answer goes. */
export interface Request {
  readonly name: string;
  readonly args: readonly RedisArgument[];
  readonly binary: boolean;
  /** For errors and metrics: the command, or the name of the script. */
  readonly operation: string;
  /** True once the caller has been answered, by whomever. */
  readonly settled: boolean;
  /** Set once it was handed to another server, since this one said that it did not run here. */
  redirected: boolean;
  /** The server's answer. Exactly one of `answer` and `fail` is called, once, however late. */
  answer(reply: unknown): void;
  fail(error: unknown): void;
}

/** One connection to one server, over whichever client. It sends each request at most once, and reconnects by itself. */
export interface Wire {
  /** Whether `send` reaches a socket now. */
  readonly ready: boolean;
  /** Takes a request for the next flush; fails it when there is no socket. */
  send(request: Request): void;
  /** Writes what was taken since the last flush, in one piece where the client allows. */
  flush(): void;
  /** Cuts the connection, so that nothing late comes in; a new one is made after a pause. Nothing for a lent client. */
  drop(): void;
  close(): Promise<void>;
}

export interface WireEvents {
  ready(): void;
  lost(error: unknown): void;
}
