import type { FastifyReply, FastifyRequest, onRequestAsyncHookHandler } from 'fastify';
import type { Config } from '../config.ts';
import { Problem } from '../http/problem.ts';
import { type ClientAddresses, isLoopback } from '../redirect/client-address.ts';
import { type Authorize, keyOf } from './authorize.ts';
import { ANONYMOUS, type Scope } from './scopes.ts';

export interface AuthorizeAnonymousOptions {
  readonly authorize: Authorize;
  /** What a key needs for it. */
  readonly scope: Scope;
  readonly mode: Config['anonymousCreate'];
  readonly addresses: ClientAddresses;
  /** Hosts that the service may be called by on this machine. */
  readonly ownHosts: ReadonlySet<string>;
  /** Charges the client for a call without a key; throws the problem when it has had its share. */
  readonly charge: (clientAddress: string, reply: FastifyReply) => void;
}

const FORWARDING = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'];

/** For what the start page does at once: keys with the scope, and without a key those whom `mode` names. */
export function createAuthorizeAnonymous(options: AuthorizeAnonymousOptions): onRequestAsyncHookHandler {
  const withKey = options.authorize(options.scope);
  return async function (request, reply) {
    if (keyOf(request) !== undefined || options.mode === 'off') {
      await withKey.call(this, request, reply);
      return;
    }
    const address = clientAddressOf(request, options.addresses);
    if (options.mode === 'local' && !isLocal(request, address, options)) {
      throw new Problem('key-missing', {
        detail: 'Without a key, only clients on the service\'s own machine may do this; send "X-Api-Key: KEY"',
        headers: { 'www-authenticate': 'Bearer realm="spillway"' },
      });
    }
    options.charge(address, reply);
    request.caller = { ...ANONYMOUS, id: `anonymous ${address}` };
  };
}

export function clientAddressOf({ raw }: FastifyRequest, addresses: ClientAddresses): string {
  const forwarded = raw.headers['x-forwarded-for'];
  return addresses.of(raw.socket.remoteAddress, Array.isArray(forwarded) ? forwarded.join(',') : forwarded);
}

/**
 * On this machine, and sure of it: a proxy on this machine that nobody told us to trust makes everyone look local, and so does
 * a web page whose name was made to point here (DNS rebinding).
 */
function isLocal(
  request: FastifyRequest,
  address: string,
  { addresses, ownHosts }: AuthorizeAnonymousOptions,
): boolean {
  const peer = request.raw.socket.remoteAddress ?? '';
  const forwarded = FORWARDING.some((name) => request.headers[name] !== undefined);
  if (forwarded && !addresses.isTrusted(peer)) return false;
  return isLoopback(address) && ownHosts.has((request.headers.host ?? '').toLowerCase());
}
