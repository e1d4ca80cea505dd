import type { Random } from '@spillway/kernel';
import { backOffMs } from '../core/back-off.ts';
import type { Subscriber, Subscription } from '../link.ts';
import type { Topology } from './topology.ts';

/** A subscription that was not confirmed by then is tried again on another connection. */
const CONFIRM_MS = 5_000;

/** Keeps one channel subscribed: a new connection after each loss, with a jittered pause, for as long as it is open. */
export function keepSubscribed(
  topology: Pick<Topology, 'subscribeOnce'>,
  channel: string,
  subscriber: Subscriber,
  random: Random,
): Subscription {
  let closed = false;
  let attempts = 0;
  let timer: NodeJS.Timeout | undefined;
  let end: () => void = () => undefined;
  const open = () => {
    let whole = false;
    let over = false;
    const finish = () => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      end();
      if (whole) subscriber.broken?.();
      attempts += 1;
      if (!closed) timer = setTimeout(open, backOffMs(attempts, random));
    };
    timer = setTimeout(finish, CONFIRM_MS);
    end = topology.subscribeOnce(channel, {
      message: (payload) => {
        if (!over) subscriber.message(payload);
      },
      whole: () => {
        if (over) return;
        whole = true;
        attempts = 0;
        clearTimeout(timer);
        subscriber.whole?.();
      },
      ended: finish,
    });
    restart = finish;
  };
  let restart: () => void = () => undefined;
  open();
  return {
    reconnect: () => restart(),
    close: async () => {
      closed = true;
      restart();
      clearTimeout(timer);
    },
  };
}
