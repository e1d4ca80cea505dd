import type { Bus } from '@spillway/kernel';

type Receive = (message: string) => void;

/** By bus and topic, those in this process. */
const neighbours = new WeakMap<Bus, Map<string, Set<Receive>>>();

/**
 * A topic of a bus, among whoever has joined it in other processes and in this one: a bus does not bring its own messages back, so two
 * handles of one cache that share a bus would not hear each other.
 */
export interface Topic {
  /** To all but the sender. Never throws. */
  publish(message: string): void;
  leave(): void;
}

export function joinTopic(bus: Bus, name: string, receive: Receive): Topic {
  const topics = neighbours.get(bus) ?? new Map<string, Set<Receive>>();
  neighbours.set(bus, topics);
  const receivers = topics.get(name) ?? new Set();
  topics.set(name, receivers.add(receive));
  const unsubscribe = bus.subscribe(name, receive);
  return {
    publish(message) {
      if (receivers.size > 1) for (const each of receivers) if (each !== receive) each(message);
      bus.publish(name, message);
    },
    leave() {
      unsubscribe();
      receivers.delete(receive);
      if (receivers.size === 0 && topics.get(name) === receivers) topics.delete(name);
    },
  };
}
