import { once } from 'node:events';
import { Socket } from 'node:net';
import { type Cluster, Command, type Redis } from 'ioredis';
import { RedisReplyError } from '../errors.ts';
import { NoConnectionError } from '../link/not-sent.ts';
import type { Request, Wire, WireEvents } from '../link/request.ts';
import type { RedisArgument } from '../link.ts';

/** A connection that has not finished its handshake (AUTH, SELECT) by then is taken for hung, and another one tried. */
const HANDSHAKE_MS = 5_000;

/** Characters gathered as text before they are encoded. */
const MAX_TEXT = 1 << 20;

// ioredis hands it to `Command.toWritable`, which does not look at it.
const NO_STREAM = new Socket();

/**
 * An ioredis command without its promise, and without what ioredis does to arguments and replies for some names: the request is
 * answered directly. A promise, its functions and their copies cost as much as the rest of a GET.
 */
class BareCommand extends (Command as unknown as BareCommandBase) {
  // Called by the constructor of Command.
  initPromise(): void {
    this.stringifyArguments();
    // Said to be traced already: whoever traces ioredis would wait for the promise that there is not.
    this.isTraced = true;
  }
}

type BareCommandBase = new (
  name: string,
  args: readonly (string | number | Buffer)[],
) => Pick<Command, 'resolve' | 'reject' | 'stringifyArguments' | 'isTraced'>;

/** Names in small letters, as ioredis compares them: what it does by their name alone (SUBSCRIBE, QUIT) is never sent here. */
const NAMES = new Map<string, string>();

function smallName(name: string): string {
  let small = NAMES.get(name);
  if (small === undefined) {
    small = name.toLowerCase();
    if (NAMES.size < 1_000) NAMES.set(name, small);
  }
  return small;
}

/**
 * A wire over an ioredis connection of our own.
 *
 * Commands of one event-loop turn are gathered as text and written with one `write`, through the `stream` that ioredis'
 * `sendCommand` takes for its pipelines. Its own auto-pipelining does the same with a `Pipeline`, two more promises and two
 * callbacks per command, and holds the next pipeline back until the previous one has been answered; measured, that costs more
 * than twice the CPU time. Nothing is sent twice: without offline queue and with no retries ioredis fails what is
 * unanswered when the socket closes.
 */
export class OwnWire implements Wire {
  readonly #client: Redis;
  readonly #close: () => Promise<void>;
  #text = '';
  #chunks: Buffer[] | undefined;
  #target: NodeJS.WritableStream | undefined;
  #lastError: unknown;
  #handshake: NodeJS.Timeout | undefined;
  /** Of this connection. */
  #refusedDatabase: RedisReplyError | undefined;
  readonly #gather = {
    isPipeline: true as const,
    destination: { redis: { stream: NO_STREAM } },
    write: (piece: string | Buffer): boolean => {
      if (typeof piece === 'string') this.#text += piece;
      if (typeof piece === 'string' && this.#text.length < MAX_TEXT) return true;
      // Bytes do not fit into text, and text has a longest length: go on in a new chunk.
      this.#chunks ??= [];
      if (this.#text !== '') this.#chunks.push(Buffer.from(this.#text));
      this.#text = '';
      if (typeof piece !== 'string') this.#chunks.push(piece);
      return true;
    },
  };

  /** `close` ends the client; a node of a Cluster is ended by the Cluster. */
  constructor(client: Redis, events: WireEvents, close: () => Promise<void>) {
    this.#client = client;
    this.#close = close;
    // Replies are told apart by their order alone. What ioredis writes by itself (a redirected command, READONLY when a node
    // changes its role) must not overtake what is gathered here: that stands in its queue already.
    const sendCommand = client.sendCommand.bind(client);
    client.sendCommand = (command, stream) => {
      if (stream !== this.#gather) this.flush();
      return sendCommand(command, stream);
    };
    client.on('connect', () => {
      this.#refusedDatabase = undefined;
      clearTimeout(this.#handshake);
      this.#handshake = setTimeout(() => this.drop(), HANDSHAKE_MS);
    });
    client.on('ready', () => {
      // In another database than it was told, ioredis would go on. Nothing is sent, and the handshake has not ended.
      if (this.#refusedDatabase !== undefined) return events.lost(this.#refusedDatabase);
      clearTimeout(this.#handshake);
      this.#lastError = undefined;
      // The event comes a tick after the fact.
      if (this.ready) events.ready();
    });
    client.on('error', (error) => {
      this.#refusedDatabase ??= databaseRefusal(error);
      this.#lastError = this.#refusedDatabase ?? error;
    });
    client.on('close', () => {
      clearTimeout(this.#handshake);
      events.lost(this.#lastError);
    });
  }

  get ready(): boolean {
    if (this.#refusedDatabase !== undefined) return false;
    return this.#client.status === 'ready' && this.#client.stream?.writable === true;
  }

  send(request: Request): void {
    if (!this.ready) {
      request.fail(new NoConnectionError());
      return;
    }
    this.#target ??= this.#client.stream;
    const command = new BareCommand(smallName(request.name), toIoredisArgs(request.args));
    command.resolve = (reply: unknown) => request.answer(request.binary ? reply : toText(reply));
    command.reject = (error: Error) => request.fail(error);
    this.#client.sendCommand(command as unknown as Command, this.#gather);
  }

  flush(): void {
    const target = this.#target;
    if (target === undefined) return;
    this.#target = undefined;
    const text = this.#text;
    this.#text = '';
    const chunks = this.#chunks;
    this.#chunks = undefined;
    // What was gathered for a socket that closed meanwhile has failed already; it must not reach the next one.
    if (!target.writable) return;
    if (chunks === undefined) {
      if (text !== '') target.write(text);
      return;
    }
    if (text !== '') chunks.push(Buffer.from(text));
    target.write(Buffer.concat(chunks));
  }

  drop(): void {
    this.#client.stream?.destroy();
  }

  async close(): Promise<void> {
    clearTimeout(this.#handshake);
    await this.#close();
  }
}

/** What the server said to the SELECT of the handshake, which ioredis tells as an error among others. */
function databaseRefusal(error: unknown): RedisReplyError | undefined {
  const { command } = error as { command?: { name?: unknown; args?: readonly unknown[] } };
  if (!(error instanceof Error) || command?.name !== 'select') return undefined;
  const remedy = /^NO(PERM|AUTH)\b/.test(error.message)
    ? 'Grant the user SELECT, or name database 0'
    : 'Name a database that the server has, or raise "databases" in its configuration';
  return new RedisReplyError(`SELECT ${command.args?.[0]}`, error.message, remedy, error);
}

/** ioredis takes `Buffer`s and turns any other object into text. It copies the list, so the caller's own may be given. */
export function toIoredisArgs(args: readonly RedisArgument[]): (string | number | Buffer)[] {
  for (let at = 0; at < args.length; at++) {
    const arg = args[at];
    if (typeof arg === 'object' && !Buffer.isBuffer(arg)) return args.map(toBuffer);
  }
  return args as (string | number | Buffer)[];
}

const toBuffer = (arg: RedisArgument): string | number | Buffer =>
  typeof arg === 'object' && !Buffer.isBuffer(arg) ? Buffer.from(arg.buffer, arg.byteOffset, arg.byteLength) : arg;

/** Bulk strings come as buffers. */
export function toText(reply: unknown): unknown {
  if (Buffer.isBuffer(reply)) return reply.toString();
  if (Array.isArray(reply)) return reply.map(toText);
  return reply;
}

/** Of a client that is told to end: some of its states end without saying so. */
const END_MS = 1_000;

/** Closes a client of ours; its unanswered commands fail. */
export async function end(client: Redis | Cluster): Promise<void> {
  const before = client.status;
  const nodes = client.isCluster ? (client as Cluster).nodes('all') : [client as Redis];
  const streams = nodes.map((node) => node.stream);
  const ended = before === 'end' || once(client, 'end', { signal: AbortSignal.timeout(END_MS) }).catch(() => undefined);
  client.disconnect();
  // `disconnect` asks for a polite end, for which a hung server would let us wait.
  for (const stream of streams) stream?.destroy();
  // Between two attempts there is nothing to end but a timer.
  if (before !== 'reconnecting' && before !== 'wait') await ended;
}
