import { type Random, StoreUnavailableError, toMs } from '@spillway/kernel';
import { type RedisStateMessage, stateChannel } from '../channels.ts';
import { checkCommand } from '../core/refused-commands.ts';
import { inspectServer } from '../inspect/inspect-server.ts';
import type { CommandOptions, LinkState, RedisArgument, RedisConnection, RedisLink } from '../link.ts';
import { runScript, type Send } from '../script/run-script.ts';
import { openConnection } from './connection.ts';
import { notSent } from './not-sent.ts';
import { keepSubscribed } from './subscription.ts';
import type { Topology, TopologyContext } from './topology.ts';

export interface OpenLinkOptions {
  readonly name: string;
  readonly deadlineMs: number;
  readonly random: Random;
}

/** A link over any topology. */
export function openLink(options: OpenLinkOptions, createTopology: (context: TopologyContext) => Topology): RedisLink {
  const listeners = new Set<(state: LinkState, previous: LinkState) => void>();
  const open = new Set<{ close(): Promise<void>; drop?(error: unknown): void }>();
  let state: LinkState = 'down';
  let closed = false;

  const changed = () => {
    const previous = state;
    state = closed ? 'down' : stateOf(topology);
    if (state === previous) return;
    // What blocks on a socket of its own would learn of a hung server only by its own, long deadline.
    if (state === 'down') for (const one of open) one.drop?.(new Error('The link went down'));
    if (stateChannel.hasSubscribers) {
      stateChannel.publish({ link: options.name, state, previous } satisfies RedisStateMessage);
    }
    for (const listener of [...listeners]) listener(state, previous);
  };
  const topology = createTopology({ changed });

  const send: Send = (name, args, command, operation) => {
    try {
      checkCommand(name, args, false);
    } catch (error) {
      return Promise.reject(error);
    }
    const lane = topology.route(name, args);
    if (lane === undefined) return Promise.reject(notSent(operation, topology.lastError, 'is down'));
    return lane.send(name, args, operation, command?.deadlineMs, command?.binary ?? false);
  };

  return {
    name: options.name,
    topology: topology.kind,
    deadlineMs: options.deadlineMs,
    get state() {
      return state;
    },
    onState: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    ready: ({ signal, timeout } = {}) => {
      if (state === 'up') return Promise.resolve();
      return new Promise((resolve, reject) => {
        const end = (settle: () => void) => {
          clearTimeout(timer);
          listeners.delete(listener);
          signal?.removeEventListener('abort', abort);
          settle();
        };
        const listener = (now: LinkState) => {
          if (now === 'up') end(resolve);
        };
        const abort = () => end(() => reject(signal?.reason));
        const late = () => end(() => reject(new StoreUnavailableError('connect', topology.lastError, 'is not up')));
        const timer = timeout === undefined ? undefined : setTimeout(late, toMs(timeout));
        if (signal?.aborted) return abort();
        listeners.add(listener);
        signal?.addEventListener('abort', abort);
      });
    },
    command: <Reply>(name: string, args: readonly RedisArgument[], command?: CommandOptions) =>
      send(name, args, command, name) as Promise<Reply>,
    run: (script, input, command) => runScript(send, script, input, command),
    get: (key) => {
      if (typeof key !== 'string') return Promise.reject(new TypeError(`A key to get is a string, got ${typeof key}`));
      // The keys of one MGET have to be in one slot.
      if (topology.kind === 'cluster') return send('GET', [key], undefined, 'GET') as Promise<string | null>;
      const lane = topology.route('GET', [key]);
      if (lane === undefined) return Promise.reject(notSent('GET', topology.lastError, 'is down'));
      return lane.get(key);
    },
    gather: (key, then) => {
      const lane = topology.route('GET', [key]);
      // It is told what is wrong when it sends.
      if (lane === undefined) setImmediate(then);
      else lane.gather(then);
    },
    dedicated: (): RedisConnection => {
      const lanes = topology.dedicated();
      open.add(lanes);
      return openConnection(lanes, () => {
        open.delete(lanes);
        return lanes.close();
      });
    },
    subscribe: (channel, subscriber) => {
      const subscription = keepSubscribed(topology, channel, subscriber, options.random);
      open.add(subscription);
      return {
        reconnect: subscription.reconnect,
        close: () => {
          open.delete(subscription);
          return subscription.close();
        },
      };
    },
    inspect: () => inspectServer((name, args, command) => send(name, args, command, name)),
    close: async () => {
      if (closed) return;
      closed = true;
      changed();
      const closing = [...open].map((one) => one.close());
      open.clear();
      const results = await Promise.allSettled([...closing, topology.close()]);
      const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
      if (errors.length > 0) throw new AggregateError(errors, 'Not everything of the link could be closed');
    },
  };
}

function stateOf(topology: Topology): LinkState {
  const { wanted, serving } = topology.serving();
  if (serving === 0) return 'down';
  return serving < wanted ? 'degraded' : 'up';
}
