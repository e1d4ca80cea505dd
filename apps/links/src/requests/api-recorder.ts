import type { FastifyReply, FastifyRequest } from 'fastify';
import { boundedMethod } from '../http/request-counts.ts';
import { clientAddressOf } from '../keys/authorize-anonymous.ts';
import type { ClientAddresses } from '../redirect/client-address.ts';
import type { RequestRecorder } from './recorder.ts';

/** Asked every few seconds by those who run the service: they would bury everything else. */
const UNRECORDED: ReadonlySet<string | undefined> = new Set(['/healthz', '/readyz', '/metrics']);

/** Records what Fastify has answered. No path, no query, no body: the route as the program has it. */
export function createApiRecorder(recorder: Pick<RequestRecorder, 'call'>, addresses: ClientAddresses) {
  return (request: FastifyRequest, reply: FastifyReply): void => {
    const route = request.routeOptions?.url;
    if (UNRECORDED.has(route)) return;
    recorder.call({
      ip: clientAddressOf(request, addresses),
      key: keyIdOf(request),
      method: boundedMethod(request.method),
      route: route ?? 'none',
      status: reply.statusCode,
      policy: violatedPolicy(request) ?? request.deniedBy ?? toldPolicy(reply),
      cost: request.cost ?? 1,
      ...(request.deniedBy === undefined ? {} : { denied: true }),
    });
  };
}

/** Who has no key is called by an address elsewhere, which must not be kept. Before the hooks have run there is no caller at all. */
function keyIdOf({ caller }: Partial<Pick<FastifyRequest, 'caller'>>): string {
  return caller === undefined || caller.kind === 'anonymous' ? '' : caller.id;
}

/** The first policy that a refusal names. */
function violatedPolicy({ problem }: FastifyRequest): string | undefined {
  const policies = problem?.options.extra?.['violated-policies'];
  return Array.isArray(policies) && typeof policies[0] === 'string' ? policies[0] : undefined;
}

/** The first policy that `RateLimit` names (RFC 9651: a list of strings with parameters). */
function toldPolicy(reply: FastifyReply): string {
  const header = reply.getHeader('ratelimit');
  return typeof header === 'string' ? (/^"([^"\\]*)"/.exec(header)?.[1] ?? '') : '';
}
