import { randomUUID } from 'node:crypto';
import { type Bus, ConfigurationError } from '@spillway/kernel';
import { type BusFrame, decodeFrame, encodeFrame } from '../core/bus-frames.ts';
import { BEAT_MS, BusReceiver, type GapReason } from '../core/bus-receiver.ts';
import { type BusGapMessage, gapChannel } from './channels.ts';
import type { BusTransport } from './transport.ts';

/** Characters of a message; a longer one is not sent, and its receivers see a gap. */
export const MAX_MESSAGE = 1_000_000;

/** A subscription through which not even the own beat comes is made anew, first after this long. */
const FIRST_RECONNECT_MS = 2_000;
const LONGEST_RECONNECT_MS = 30_000;

export interface BusOptions {
  /** This instance's name, for metrics. Lives of it are told apart by the bus. */
  readonly instance: string;
  readonly transport: BusTransport;
}

/** The bus protocol (`core/bus-receiver.ts`) over any transport. */
export function createBus({ instance, transport }: BusOptions): Bus {
  if (typeof instance !== 'string' || instance === '') {
    throw new ConfigurationError(`A bus needs the name of its instance, got ${JSON.stringify(instance)}`);
  }
  const publisher = `${instance}/${randomUUID()}`;
  const receiver = new BusReceiver(publisher);
  const topics = new Map<string, Set<(message: string) => void>>();
  const gapListeners = new Set<() => void>();
  let last = 0;
  let closed = false;
  let whole = false;
  let reconnectMs = FIRST_RECONNECT_MS;
  let patientUntilMs = Number.POSITIVE_INFINITY;

  const send = (frame: BusFrame) => transport.send(encodeFrame(frame));
  const beat = () => send({ kind: 'beat', publisher, last });
  const gap = (reason: GapReason) => {
    if (gapChannel.hasSubscribers) gapChannel.publish({ instance, reason } satisfies BusGapMessage);
    for (const listener of [...gapListeners]) call(listener);
  };

  const listening = transport.listen({
    frame: (text) => {
      const frame = decodeFrame(text);
      if (frame === undefined) return;
      const received = receiver.receive(frame, performance.now());
      // The gap first: a message that follows it is known to be new.
      if (received.gap !== undefined) gap(received.gap);
      const { deliver } = received;
      if (deliver === undefined) return;
      for (const receive of [...(topics.get(deliver.topic) ?? [])]) call(() => receive(deliver.text));
    },
    whole: () => {
      whole = true;
      const nowMs = performance.now();
      patientUntilMs = nowMs + reconnectMs;
      receiver.subscribed(nowMs);
      beat();
    },
    broken: () => {
      whole = false;
      receiver.broken();
    },
  });

  const timer = setInterval(() => {
    const nowMs = performance.now();
    const settled = receiver.tick(nowMs);
    if (settled !== undefined) gap(settled);
    if (receiver.live(nowMs)) {
      reconnectMs = FIRST_RECONNECT_MS;
      patientUntilMs = nowMs + reconnectMs;
    } else if (whole && nowMs > patientUntilMs && receiver.echoAgeMs(nowMs) > FIRST_RECONNECT_MS) {
      reconnectMs = Math.min(reconnectMs * 2, LONGEST_RECONNECT_MS);
      patientUntilMs = nowMs + reconnectMs;
      listening.reconnect();
    }
    beat();
  }, BEAT_MS);

  return {
    publish: (topic, message) => {
      if (closed) return;
      // Numbered even if it can not be sent: the missing number tells its receivers.
      last += 1;
      if (message.length + topic.length > MAX_MESSAGE) return;
      send({ kind: 'message', publisher, seq: last, topic, text: message });
    },
    subscribe: (topic, receive) => {
      const receivers = topics.get(topic) ?? new Set();
      topics.set(topic, receivers);
      // Wrapped, so that the same function may subscribe twice.
      const one = (message: string) => receive(message);
      receivers.add(one);
      return () => {
        receivers.delete(one);
        if (receivers.size === 0 && topics.get(topic) === receivers) topics.delete(topic);
      };
    },
    get live() {
      return !closed && receiver.live(performance.now());
    },
    onGap: (listener) => {
      gapListeners.add(listener);
      return () => void gapListeners.delete(listener);
    },
    close: async () => {
      if (closed) return;
      closed = true;
      clearInterval(timer);
      send({ kind: 'bye', publisher, last });
      receiver.broken();
      await listening.close();
    },
  };
}

/** One subscriber's bug must not keep a message from the others; it surfaces as an uncaught exception of its own. */
function call(listener: () => void): void {
  try {
    listener();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
