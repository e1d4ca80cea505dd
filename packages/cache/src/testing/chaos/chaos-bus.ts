import type { Bus } from '@spillway/kernel';
import type { Chaos } from './chaos.ts';

export interface ChaosBusOptions {
  /**
   * Whether this end notices, a moment later, that it has missed something, as the port promises. `unnoticed` is a broken bus: what relies
   * on one should be seen to fail with it. Default `noticed`.
   */
  readonly losses?: 'noticed' | 'unnoticed';
}

/** One instance's end of a bus under the weather: messages to it are lost, or come `slow`, in their order. What it publishes goes out. */
export function chaosBus(bus: Bus, chaos: Chaos, { losses = 'noticed' }: ChaosBusOptions = {}): Bus {
  const gapListeners = new Set<() => void>();
  let missing = 0;
  // Once one is late, those behind it wait for it: a publisher's messages keep their order.
  let late: Promise<void> | undefined;

  const lose = async (): Promise<void> => {
    if (losses === 'unnoticed') return;
    missing += 1;
    await chaos.later();
    missing -= 1;
    for (const listener of gapListeners) listener();
  };
  const inOrder = (deliver: () => void): void => {
    const isSlow = chaos.strikes('slow');
    if (late === undefined && !isSlow) {
      deliver();
      return;
    }
    const turn = (late ?? Promise.resolve())
      .then(() => (isSlow ? chaos.later() : undefined))
      .then(() => {
        if (late === turn) late = undefined;
        deliver();
      });
    late = turn;
  };

  return {
    publish: (topic, message) => bus.publish(topic, message),
    subscribe: (topic, receive) =>
      bus.subscribe(topic, (message) => {
        if (chaos.strikes('lose')) void lose();
        else inOrder(() => receive(message));
      }),
    get live() {
      return missing === 0 && bus.live;
    },
    onGap(listener) {
      gapListeners.add(listener);
      const stop = bus.onGap(listener);
      return () => {
        gapListeners.delete(listener);
        stop();
      };
    },
    close: () => bus.close(),
  };
}
