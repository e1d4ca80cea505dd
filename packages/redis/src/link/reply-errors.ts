import { SpillwayError, StoreUnavailableError } from '@spillway/kernel';
import { RedisReplyError } from '../errors.ts';
import { NoConnectionError, notSent } from './not-sent.ts';

// The server is starting, has become a replica, lost its master or its Cluster, or is stuck in somebody's script. None of
// it is about the command: another server, or the same one later, would take it.
const UNAVAILABLE = /^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|BUSY|TRYAGAIN|MOVED|ASK|NOAUTH|WRONGPASS) /;

/**
 * What an error reply says of the server: `wrong-server`, so that a new connection may lead to the right one (after a
 * fail-over), or `not-yet`, so that asking again later may help; undefined when it is about the command alone.
 */
export function verdictOf(error: unknown): 'wrong-server' | 'not-yet' | undefined {
  if (!(error instanceof Error)) return undefined;
  if (/^(READONLY|MASTERDOWN) |@user_script.*READONLY/.test(error.message)) return 'wrong-server';
  return /^(LOADING|NOAUTH) /.test(error.message) ? 'not-yet' : undefined;
}

/** An error reply of the server keeps its meaning; everything else is a connection that failed. */
export function toLinkError(operation: string, error: unknown, user: string | undefined): SpillwayError {
  if (error instanceof SpillwayError) return error;
  if (error instanceof NoConnectionError) return notSent(operation, error, 'has no connection');
  if (!isReply(error)) return new StoreUnavailableError(operation, error, 'lost its connection');
  if (UNAVAILABLE.test(error.message)) {
    return new StoreUnavailableError(operation, error, 'can not serve now', { mayHaveRun: false });
  }
  return new RedisReplyError(operation, error.message, remedyOf(error.message, user), error);
}

// Both clients build their error replies from the server's line: an upper-case word first. Their own errors are sentences.
function isReply(error: unknown): error is Error {
  return error instanceof Error && /^[A-Z][A-Z0-9_]* /.test(error.message);
}

/** What to grant: `NOPERM` says what is missing, in words that changed over the versions. */
function remedyOf(message: string, connectedAs: string | undefined): string | undefined {
  if (!message.startsWith('NOPERM')) return undefined;
  const user = /[Uu]ser (\S+) has no/.exec(message)?.[1] ?? connectedAs ?? 'default';
  const command = /run the '([^']+)' command/.exec(message)?.[1];
  if (command !== undefined) return `Grant it: ACL SETUSER ${user} +${command}`;
  if (/channel/i.test(message)) return `Grant it: ACL SETUSER ${user} &PATTERN, with a pattern that covers the channel`;
  if (/key/i.test(message)) return `Grant it: ACL SETUSER ${user} ~PATTERN, with a pattern that covers the key`;
  return undefined;
}

/** Whether a Cluster's node said that the command belongs to another. */
export const isRedirect = (message: string): boolean =>
  message.startsWith('MOVED ') || message.startsWith('ASK ') || message.startsWith('TRYAGAIN');
