import type { FastifyReply, FastifyRequest, onRequestAsyncHookHandler } from 'fastify';
import { Problem } from '../http/problem.ts';
import type { Keys } from './keys.ts';
import type { Caller, Scope } from './scopes.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks. Set by `authorize`. */
    caller: Caller;
  }
}

/** What a call costs: 1, or as many as its rows, which its route charges once it has read them. */
export type Charging = 'by-call' | 'by-rows';

/** Charges a key for a call; throws the problem when it has had its share. Never asked for the admin key. */
export type ChargeCaller = (caller: Caller, reply: FastifyReply, charging: Charging) => Promise<void> | void;

export interface AuthorizeOptions {
  readonly keys: Keys;
  readonly charge: ChargeCaller;
  /**
   * Charges whoever sends a key that is not known here to be one, before the database is asked for it; throws the problem when
   * that client has had its share. So made-up keys can not wear down the database.
   */
  readonly chargeUnknown?: (request: FastifyRequest) => void;
}

/** Makes a hook that lets only keys with `scope` through, before the body is read. */
export type Authorize = (scope: Scope, charging?: Charging) => onRequestAsyncHookHandler;

const CHALLENGE = { 'www-authenticate': 'Bearer realm="spillway"' };

export function createAuthorize({ keys, charge, chargeUnknown }: AuthorizeOptions): Authorize {
  return (scope, charging = 'by-call') =>
    async (request, reply) => {
      const key = keyOf(request);
      if (key === undefined) {
        throw new Problem('key-missing', {
          detail: 'Send a key as "X-Api-Key: KEY" or "Authorization: Bearer KEY"',
          headers: CHALLENGE,
        });
      }
      const caller = await keys.authenticate(key, () => chargeUnknown?.(request));
      if (caller === undefined) {
        throw new Problem('key-unknown', {
          detail: `The key in "${headerOf(request)}" is nobody's: mistyped, revoked or expired; check that all of it was sent, or get another one from whoever runs the service`,
          headers: CHALLENGE,
        });
      }
      // Also for a call that is refused below: the log of requests says whose it was.
      request.caller = caller;
      if (!caller.scopes.has(scope)) {
        throw new Problem('scope-missing', { detail: `This key lacks the scope "${scope}"; use one that has it` });
      }
      if (caller.kind !== 'admin') await charge(caller, reply, charging);
    };
}

const headerOf = ({ headers }: Pick<FastifyRequest, 'headers'>): string =>
  typeof headers['x-api-key'] === 'string' && headers['x-api-key'] !== '' ? 'X-Api-Key' : 'Authorization';

/** The key that a request carries; undefined when it carries none. */
export function keyOf({ headers }: Pick<FastifyRequest, 'headers'>): string | undefined {
  const key = headers['x-api-key'];
  if (typeof key === 'string' && key !== '') return key;
  const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '');
  return bearer?.[1];
}
