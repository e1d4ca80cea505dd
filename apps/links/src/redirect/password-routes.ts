import { clientKey, type Decision, type Limiter, retryAfterSeconds } from '@spillway/limit';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from '../http/problem.ts';
import { clientAddressOf } from '../keys/authorize-anonymous.ts';
import { limitProblem } from '../limits/limit-routes.ts';
import { isReserved } from '../links/alias.ts';
import { isCode } from '../links/link.ts';
import type { LinkStore } from '../links/link-store.ts';
import type { Passwords } from '../links/password.ts';
import { toCachedLink } from './cached-link.ts';
import type { ClientAddresses } from './client-address.ts';
import { htmlHeaders, passwordPage } from './pages.ts';
import type { Redirector } from './redirector.ts';

export interface PasswordRoutesOptions {
  readonly redirector: Redirector;
  readonly store: Pick<LinkStore, 'findForRedirect' | 'useClick'>;
  readonly passwords: Passwords;
  readonly limiter: Limiter | undefined;
  readonly addresses: ClientAddresses;
}

/**
 * `POST /code`: the form in front of a link with a password. Whether it opens is decided by the truth, never by a cache. A link
 * without one takes no POST: only what a person asked for is a click.
 */
export async function passwordRoutes(app: FastifyInstance, options: PasswordRoutesOptions): Promise<void> {
  const { redirector, store, passwords, limiter, addresses } = options;
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: 4_096 },
    (_request, body, done) => {
      done(null, Object.fromEntries(new URLSearchParams(body as string)));
    },
  );

  // Not a form: no password was sent. Whether one is wanted is said below.
  app.addContentTypeParser('*', { parseAs: 'string', bodyLimit: 4_096 }, (_request, _body, done) =>
    done(null, undefined),
  );

  app.post<{ Params: { code: string } }>(
    '/:code',
    { schema: { summary: 'Open a link with a password', tags: ['redirect'], hide: true } },
    async (request, reply) => {
      const { code } = request.params;
      if (!isCode(code) || isReserved(code)) return reply.callNotFound();
      // What has no password is told by the cache, and costs the client what a GET does: codes are not guessed here for less.
      const look = await redirector.lookFor(request.raw, code);
      if ('refused' in look) throw hadItsShare(look.refused);
      if (look.value === undefined) throw missing(code);
      if (look.value.access !== 'password') throw withoutPassword(code);

      const client = clientKey(clientAddressOf(request, addresses));
      const taken = limiter?.takeNow(`${client} ${code}`);
      const problem = limiter === undefined || taken === undefined ? undefined : limitProblem(limiter, taken);
      if (problem !== undefined) throw problem;

      const row = await store.findForRedirect({ domainId: redirector.domainOf(request.headers.host), code });
      if (row === undefined) throw missing(code);
      if (row.password_hash === null) throw withoutPassword(code);
      const link = toCachedLink(row);
      if (link.expiresAtMs !== 0 && link.expiresAtMs <= Date.now()) {
        throw new Problem('gone', { detail: `The link "${code}" has expired; ask whoever gave it to you` });
      }
      const { password } = (request.body ?? {}) as { password?: unknown };
      const right =
        typeof password === 'string' &&
        password.length <= 200 &&
        (await passwords.matches(password, row.password_hash));
      if (!right) return form(reply, code);
      if (row.max_clicks !== null && (await store.useClick(row.id)) === 'used-up') {
        throw new Problem('gone', { detail: `The link "${code}" has been used as often as it may be` });
      }
      return go(request, reply, redirector, link);
    },
  );
}

const missing = (code: string) => new Problem('not-found', { detail: `There is no link "${code.slice(0, 100)}"` });

/** As a GET over its limit is refused. */
function hadItsShare(decision: Decision): Problem {
  const retryAfter = retryAfterSeconds(decision) ?? 1;
  return new Problem('quota-exceeded', {
    detail: `This client has had its share; try again in ${retryAfter} s`,
    retryAfter,
    extra: { 'violated-policies': [decision.policy] },
  });
}

const withoutPassword = (code: string) =>
  new Problem('method-not-allowed', {
    detail: `The link "${code}" has no password and takes no POST; send a GET`,
    headers: { allow: 'GET, HEAD' },
  });

const form = (reply: FastifyReply, code: string) =>
  reply.code(403).headers(htmlHeaders()).send(passwordPage(code, 'This is not the password; try again'));

/** 303, so that the browser goes on with a GET and does not send the password to the target. */
async function go(
  request: FastifyRequest,
  reply: FastifyReply,
  redirector: Redirector,
  link: ReturnType<typeof toCachedLink>,
) {
  reply.hijack();
  await redirector.redirect(request.raw, reply.raw, link, 'truth', 303);
  return reply;
}
