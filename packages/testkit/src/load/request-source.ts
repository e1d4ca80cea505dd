import { seededRandom } from '@spillway/kernel';
import { zipf } from '../traffic/zipf.ts';
import type { LoadPlan, LoadRequest } from './load-plan.ts';

export interface NextRequest {
  /** Which of the plan's requests. */
  readonly index: number;
  readonly method: string;
  /** The bytes, as latin1 text. */
  readonly text: string;
}

/** Says what the n-th request of a plan is. As much as possible of each is put together beforehand. */
export function requestSource(plan: LoadPlan): (number: number, host: string) => NextRequest {
  const random = seededRandom(plan.seed ?? 1);
  const prepared = plan.requests.map((request) => prepare(request, plan.headers));
  const count = prepared.length;
  const pick = {
    turns: (number: number) => number % count,
    random: () => Math.floor(random() * count),
    zipf: zipf(count, random, plan.zipfExponent),
  }[plan.order ?? 'turns'];
  const { clients } = plan;
  return (number, host) => {
    const index = pick(number);
    const { method, start, rest, templated, bodyTemplate } = prepared[index] as Prepared;
    const client = clients === undefined ? '' : `X-Forwarded-For: ${clientAddress(number % clients)}\r\n`;
    if (!templated) return { index, method, text: `${start}Host: ${host}\r\n${client}${rest}` };
    const fill = (text: string) => text.replaceAll('{{n}}', String(number));
    // As UTF-8 bytes written out in latin1, like everything that goes through the socket here.
    const body = Buffer.from(fill(bodyTemplate), 'utf8').toString('latin1');
    const sized = bodyTemplate === '' ? '' : `Content-Length: ${body.length}\r\n`;
    return { index, method, text: `${fill(start)}Host: ${host}\r\n${client}${sized}${fill(rest)}${body}` };
  };
}

/** The i-th address that the generator speaks for; at most 16,777,216 different ones. */
export const clientAddress = (i: number): string => `10.${(i >>> 16) & 255}.${(i >>> 8) & 255}.${i & 255}`;

interface Prepared {
  readonly method: string;
  readonly start: string;
  readonly rest: string;
  readonly templated: boolean;
  readonly bodyTemplate: string;
}

function prepare(request: LoadRequest, shared: LoadPlan['headers'] = {}): Prepared {
  const { method = 'GET', path, headers = {}, body = '' } = request;
  const lines = Object.entries({ ...shared, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  const start = `${method} ${path} HTTP/1.1\r\n`;
  const head = `${lines.join('')}\r\n`;
  const templated = [path, head, body].some((text) => text.includes('{{n}}'));
  if (templated) return { method, start, rest: head, templated, bodyTemplate: body };
  const bytes = Buffer.from(body, 'utf8').toString('latin1');
  const sized = body === '' ? '' : `Content-Length: ${bytes.length}\r\n`;
  return { method, start, rest: `${sized}${head}${bytes}`, templated, bodyTemplate: '' };
}
