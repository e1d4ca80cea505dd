import { checkCommand } from '../core/refused-commands.ts';
import type { CommandOptions, RedisArgument, RedisConnection } from '../link.ts';
import { runScript, type Send } from '../script/run-script.ts';
import { notSent } from './not-sent.ts';
import type { DedicatedLanes } from './topology.ts';

/** A command that finds its socket still connecting waits for it at most this long. */
const CONNECT_MS = 1_000;

/** A connection of one's own over lanes that are made as commands need them. */
export function openConnection(lanes: DedicatedLanes, close: () => Promise<void>): RedisConnection {
  const send: Send = async (name, args, options, operation) => {
    checkCommand(name, args, true);
    const lane = lanes.route(name, args);
    if (lane === undefined) throw notSent(operation, undefined, 'is down');
    if (!lane.serving) await lane.untilServing(Math.min(CONNECT_MS, options?.deadlineMs ?? CONNECT_MS));
    return lane.send(name, args, operation, options?.deadlineMs, options?.binary ?? false);
  };
  return {
    command: <Reply>(name: string, args: readonly RedisArgument[], options?: CommandOptions) =>
      send(name, args, options, name) as Promise<Reply>,
    run: (script, input, options) => runScript(send, script, input, options),
    close,
  };
}
