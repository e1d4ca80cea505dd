import { clientKey } from '@spillway/limit';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from '../http/problem.ts';
import { clientAddressOf } from '../keys/authorize-anonymous.ts';
import type { CountedLimiter } from '../limits/counted-limiter.ts';
import { limitProblem } from '../limits/limit-answers.ts';
import { isReserved } from '../links/alias.ts';
import { isCode } from '../links/link.ts';
import type { LinkStore } from '../links/link-store.ts';
import type { Passwords } from '../links/password.ts';
import { toCachedLink } from './cached-link.ts';
import type { ClientAddresses } from './client-address.ts';
import { createGuessGuard } from './guess-guard.ts';
import { htmlHeaders, passwordPage } from './pages.ts';
import type { Redirector } from './redirector.ts';
import { hadItsShare } from './refused.ts';

export interface PasswordRoutesOptions {
  readonly redirector: Redirector;
  readonly store: Pick<LinkStore, 'findForRedirect' | 'useClick'>;
  readonly passwords: Passwords;
  readonly limiter: CountedLimiter | undefined;
  readonly addresses: ClientAddresses;
}

/**
 * `POST /code`: the form in front of a link with a password. Whether it opens is decided by the truth, never by a cache. A link
 * without one takes no POST: only what a person asked for is a click.
 */
export async function passwordRoutes(app: FastifyInstance, options: PasswordRoutesOptions): Promise<void> {
  const { redirector, store, passwords, limiter, addresses } = options;
  const guesses = createGuessGuard(limiter);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: 4_096 },
    (_request, body, done) => {
      done(null, Object.fromEntries(new URLSearchParams(body as string)));
    },
  );

  // Not a form: no password was sent. Whether one is wanted, and how, is said below.
  app.addContentTypeParser('*', { parseAs: 'string', bodyLimit: 4_096 }, (_request, _body, done) =>
    done(null, undefined),
  );

  // A type that is none at all never comes to the route.
  app.setErrorHandler<Error & { code?: unknown }>((error, { headers }) => {
    throw error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE' ? notAForm(headers['content-type']) : error;
  });

  app.post<{ Params: { code: string } }>(
    '/:code',
    { schema: { summary: 'Open a link with a password', tags: ['redirect'], hide: true } },
    async (request, reply) => {
      const { code } = request.params;
      if (!isCode(code) || isReserved(code)) return reply.callNotFound();
      // What has no password is told by the cache, and costs the client what a GET does: codes are not guessed here for less.
      const look = await redirector.lookFor(request.raw, code);
      if ('refused' in look) throw new Problem('quota-exceeded', hadItsShare(look));
      if (look.value === undefined) throw missing(code);
      if (look.value.access !== 'password') throw withoutPassword(code);
      if (!request.body) throw notAForm(request.headers['content-type']);

      const client = clientKey(clientAddressOf(request, addresses));
      const domainId = redirector.domainOf(request.headers.host);
      const guess = await guesses.begin(`${client} ${domainId} ${code}`);
      const problem = limiter && guess.refused && limitProblem(limiter, guess.refused);
      if (problem !== undefined) throw problem;
      try {
        const row = await store.findForRedirect({ domainId, code });
        if (row === undefined) throw missing(code);
        if (row.password_hash === null) throw withoutPassword(code);
        const link = toCachedLink(row);
        if (link.expiresAtMs !== 0 && link.expiresAtMs <= Date.now()) {
          throw new Problem('gone', { detail: `The link "${code}" has expired; ask whoever gave it to you` });
        }
        const { password } = request.body as { password?: unknown };
        const right =
          typeof password === 'string' &&
          password.length <= 200 &&
          (await passwords.matches(password, row.password_hash));
        if (!right) return form(reply.headers(guess.wrong()), code);
        if (row.max_clicks !== null && (await store.useClick(row.id)) === 'used-up') {
          throw new Problem('gone', { detail: `The link "${code}" has been used as often as it may be` });
        }
        return go(request, reply, redirector, link);
      } finally {
        guess.end();
      }
    },
  );
}

const missing = (code: string) => new Problem('not-found', { detail: `There is no link "${code.slice(0, 100)}"` });

const notAForm = (type: string | undefined) =>
  new Problem('media-type', {
    detail: `A password is sent as a form: "Content-Type: application/x-www-form-urlencoded" and "password=..."; got ${type === undefined ? 'no body' : `"${type.slice(0, 100)}"`}`,
    headers: { 'accept-post': 'application/x-www-form-urlencoded' },
  });

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
