import type { Fields } from './fields.ts';
import { addTo, type Lead } from './lead.ts';
import type { Plan } from './plan.ts';
import { CONDITIONAL, fieldsOf304 } from './preconditions.ts';
import type { CacheRequest } from './request-key.ts';
import { type Answer, isBodiless } from './serve.ts';

export function requestOf(request: Request): CacheRequest {
  const { method, headers } = request;
  const header = (name: string): string | undefined => headers.get(name) ?? undefined;
  const url = new URL(request.url);
  return { method, scheme: url.protocol.slice(0, -1), host: url.host, target: url.pathname + url.search, header };
}

/** A route that leads answers in full, whatever its client holds. */
export function withoutConditions(request: Request): Request {
  if (!CONDITIONAL.some((name) => request.headers.has(name))) return request;
  const headers = new Headers(request.headers);
  for (const name of CONDITIONAL) headers.delete(name);
  return new Request(request, { headers });
}

export const fieldsOf = (headers: Headers): Fields => [...headers].map(([name, value]) => [name.toLowerCase(), value]);

function toResponse({ status, fields, body }: Answer, before: Fields): Response {
  const headers = new Headers();
  for (const [name, value] of before) headers.append(name, value);
  for (const [name] of fields) headers.delete(name);
  for (const [name, value] of fields) headers.append(name, value);
  const bytes = body === undefined || isBodiless(status) ? null : new Uint8Array(body);
  return new Response(bytes, { status, headers });
}

/**
 * Does what was planned. `run` calls the route.
 * @param before what others have set already, for an answer in place of the route's
 */
export async function follow(plan: Plan, run: () => Promise<Response>, before: Fields = []): Promise<Response> {
  switch (plan.do) {
    case 'send':
      return toResponse(plan.answer, before);
    case 'lead':
      return await lead(plan.lead, run);
    case 'pass': {
      const response = await run();
      const head = plan.watcher?.head(response.status, fieldsOf(response.headers), undefined);
      if (head?.kind === 'hold') await head.instead;
      return withFields(response, [['cache-status', addTo(fieldsOf(response.headers), plan.cacheStatus)]]);
    }
    default:
      return plan satisfies never;
  }
}

async function lead(own: Lead, run: () => Promise<Response>): Promise<Response> {
  let response: Response;
  try {
    response = await run();
  } catch (error) {
    const instead = await own.fail();
    if (instead !== undefined) return toResponse(instead, own.before);
    throw error;
  }
  const fields = fieldsOf(response.headers);
  const head = own.head(response.status, fields, response.body === null ? 0 : undefined);
  if (head.kind === 'hold') {
    const instead = await head.instead;
    if (instead === undefined) return withFields(response, head.fields);
    await response.body?.cancel();
    return toResponse(instead, own.before);
  }
  const { body } = response;
  if (!head.capture) {
    if (!head.notModified) return withFields(response, head.fields);
    await body?.cancel();
    return notModified(fields, head.fields, own.before);
  }
  if (body === null) own.end();
  const told = body === null ? null : capturing(body, own);
  if (!head.notModified) return withFields(response, head.fields, told);
  // The others get the whole; this client has it.
  await told?.cancel();
  return notModified(fields, head.fields, own.before);
}

const notModified = (fields: Fields, more: Fields, before: Fields): Response =>
  toResponse({ status: 304, fields: [...fieldsOf304(fields), ...more], body: undefined }, before);

function withFields(response: Response, fields: Fields, body: ReadableStream | null = response.body): Response {
  // A switch of protocols is no answer that fields could be added to.
  if (response.status < 200 || response.type === 'error') return response;
  const { status, statusText } = response;
  const headers = new Headers(response.headers);
  for (const [name, value] of fields) headers.set(name, value);
  return new Response(body, { status, statusText, headers });
}

/**
 * The same body, told to the lead. As long as that wants it, it is read at once, up to the bound, whether its client reads, is slow
 * or leaves; beyond, at the client's pace.
 */
function capturing(body: ReadableStream<Uint8Array>, own: Lead): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let isOver = false;
  let isGone = false;

  const readOne = async (client: ReadableStreamDefaultController<Uint8Array>): Promise<boolean> => {
    const { done, value } = await reader.read();
    if (done) {
      isOver = true;
      own.end();
      if (!isGone) client.close();
      return false;
    }
    const isWanted = own.write(value);
    if (!isGone) client.enqueue(value);
    return isWanted;
  };

  const fail = (client: ReadableStreamDefaultController<Uint8Array>, error: unknown): void => {
    isOver = true;
    own.abort();
    if (!isGone) client.error(error);
  };

  let early: Promise<void> = Promise.resolve();
  return new ReadableStream<Uint8Array>(
    {
      start(client) {
        const readEarly = async (): Promise<void> => {
          try {
            while (await readOne(client));
            if (isGone && !isOver) await reader.cancel();
          } catch (error) {
            fail(client, error);
          }
        };
        early = readEarly();
      },
      async pull(client) {
        await early;
        if (isOver || isGone) return;
        try {
          await readOne(client);
        } catch (error) {
          fail(client, error);
        }
      },
      async cancel(reason) {
        isGone = true;
        // While it is wanted for the others it is read to its end.
        let isEarly = true;
        void early.then(() => {
          isEarly = false;
        });
        await Promise.resolve();
        if (!isEarly && !isOver) await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
