import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ProblemKind, type ProblemOptions, problemBody, problemHeaders, statusOf } from '../http/problem.ts';
import { htmlHeaders, problemPage } from './pages.ts';

/** Answers a redirect that is none: a problem for programs, a small page for people, as `Accept` asks. */
export function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  kind: ProblemKind,
  options: ProblemOptions & { readonly servedBy: string },
): void {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  const body = problemBody(kind, options, path);
  const html = /\btext\/html\b/.test(request.headers.accept ?? '');
  const text = html ? problemPage(body) : JSON.stringify(body);
  response.writeHead(statusOf(kind), {
    ...problemHeaders(options),
    ...(html ? htmlHeaders() : {}),
    'x-served-by': options.servedBy,
    vary: 'accept',
    'content-length': Buffer.byteLength(text),
  });
  response.end(request.method === 'HEAD' ? undefined : text);
}
