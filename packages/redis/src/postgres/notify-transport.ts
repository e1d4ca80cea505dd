import type { Random } from '@spillway/kernel';
import type { BusListener, BusTransport } from '../bus/transport.ts';
import { backOffMs } from '../core/back-off.ts';
import { createCutter, Reassembly } from './notify-chunks.ts';
import type { NotifyClient } from './notify-client.ts';

/** A connection that does not listen by then is given up. */
const CONNECT_MS = 5_000;

/** How long a polite end, or the last frames, may take. */
const END_MS = 500;

/** Payloads waiting for the statement before theirs; beyond it frames are lost (G7), which their numbers tell. */
const MAX_WAITING = 10_000;

interface TransportOptions {
  readonly connect: () => Promise<NotifyClient>;
  readonly channel: string;
  readonly sender: string;
  readonly random: Random;
}

/**
 * One connection that listens and notifies. One statement at a time is under way; what is sent meanwhile goes with the next,
 * together: under load a NOTIFY costs a fraction of a round trip and of a commit.
 */
export function notifyTransport({ connect, channel, sender, random }: TransportOptions): BusTransport {
  let current: Session | undefined;
  const cut = createCutter(sender);
  return {
    send: (frame) => current?.send(cut(frame)),
    listen: (listener) => {
      let closed = false;
      let attempts = 0;
      let timer: NodeJS.Timeout | undefined;
      let session: Session | undefined;
      const open = () => {
        const opened = new Session(channel, listener, {
          whole: () => {
            attempts = 0;
            current = opened;
            listener.whole();
          },
          over: (wasWhole) => {
            if (current === opened) current = undefined;
            if (wasWhole) listener.broken();
            attempts += 1;
            if (!closed) timer = setTimeout(open, backOffMs(attempts, random));
          },
        });
        session = opened;
        opened.start(connect);
      };
      open();
      return {
        reconnect: () => session?.end(),
        close: async () => {
          closed = true;
          clearTimeout(timer);
          // The good-bye is on its way: let it leave.
          await session?.drain();
          await session?.end();
        },
      };
    },
  };
}

/** The life of one connection. */
class Session {
  readonly #channel: string;
  readonly #listener: BusListener;
  readonly #events: { whole(): void; over(wasWhole: boolean): void };
  readonly #reassembly = new Reassembly();
  #client: NotifyClient | undefined;
  #state: 'connecting' | 'whole' | 'over' = 'connecting';
  #waiting: string[] = [];
  #sending: Promise<void> | undefined;
  readonly #timer: NodeJS.Timeout;

  constructor(channel: string, listener: BusListener, events: { whole(): void; over(wasWhole: boolean): void }) {
    this.#channel = channel;
    this.#listener = listener;
    this.#events = events;
    this.#timer = setTimeout(() => void this.end(), CONNECT_MS);
  }

  async start(connect: () => Promise<NotifyClient>): Promise<void> {
    try {
      const client = await connect();
      this.#client = client;
      client.on('error', () => void this.end());
      client.on('end', () => void this.end());
      client.on('notification', ({ channel, payload }) => {
        if (this.#state !== 'whole' || channel !== this.#channel || payload === undefined) return;
        const frame = this.#reassembly.take(payload);
        if (frame !== undefined) this.#listener.frame(frame);
      });
      // Given up while it connected.
      if (this.#state === 'over') return await endClient(client);
      await client.query(`LISTEN ${this.#channel}`);
      if (this.#state !== 'connecting') return;
      clearTimeout(this.#timer);
      this.#state = 'whole';
      this.#events.whole();
    } catch {
      await this.end();
    }
  }

  send(payloads: readonly string[]): void {
    if (this.#state !== 'whole' || this.#waiting.length + payloads.length > MAX_WAITING) return;
    this.#waiting.push(...payloads);
    this.#sending ??= this.#drain();
  }

  async drain(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, END_MS);
    });
    await Promise.race([this.#sending, late]);
    clearTimeout(timer);
  }

  async end(): Promise<void> {
    if (this.#state === 'over') return;
    const wasWhole = this.#state === 'whole';
    this.#state = 'over';
    clearTimeout(this.#timer);
    this.#events.over(wasWhole);
    if (this.#client !== undefined) await endClient(this.#client);
  }

  async #drain(): Promise<void> {
    try {
      while (this.#waiting.length > 0 && this.#state === 'whole') {
        const payloads = this.#waiting;
        this.#waiting = [];
        await this.#client?.query('SELECT pg_notify($1, payload) FROM unnest($2::text[]) AS payload', [
          this.#channel,
          payloads,
        ]);
      }
    } catch {
      await this.end();
    } finally {
      this.#sending = undefined;
    }
  }
}

/** A server that hangs does not answer a polite end either: then its socket is cut. */
async function endClient(client: NotifyClient): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      client.connection?.stream?.destroy();
      resolve();
    }, END_MS);
  });
  await Promise.race([client.end().catch(() => undefined), late]);
  clearTimeout(timer);
}
