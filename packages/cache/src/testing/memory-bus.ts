import type { Bus } from '@spillway/kernel';

/** Buses in one process that deliver at once, for unit tests; each can be cut off, as a subscriber that lost its socket. */
export interface MemoryBus extends Bus {
  live: boolean;
  /** Misses everything until `restore`, and knows it. */
  cut(): void;
  restore(): void;
  /** What was published here. */
  readonly sent: string[];
}

export function memoryBuses(): () => MemoryBus {
  const buses: { deliver(topic: string, message: string): void }[] = [];
  return () => {
    const receivers = new Map<string, Set<(message: string) => void>>();
    const gapListeners = new Set<() => void>();
    const self = {
      deliver(topic: string, message: string) {
        if (bus.live) for (const receive of receivers.get(topic) ?? []) receive(message);
      },
    };
    buses.push(self);
    const bus: MemoryBus = {
      live: true,
      sent: [],
      publish(topic, message) {
        bus.sent.push(message);
        for (const other of buses) if (other !== self) other.deliver(topic, message);
      },
      subscribe(topic, receive) {
        const all = receivers.get(topic) ?? new Set();
        receivers.set(topic, all.add(receive));
        return () => void all.delete(receive);
      },
      onGap(listener) {
        gapListeners.add(listener);
        return () => void gapListeners.delete(listener);
      },
      cut() {
        bus.live = false;
      },
      restore() {
        bus.live = true;
        for (const listener of gapListeners) listener();
      },
      close: async () => undefined,
    };
    return bus;
  };
}
