import type { HistoryEvent } from './history.ts';
import type { Violation } from './violation.ts';

type Created = Extract<HistoryEvent, { kind: 'created' }>;
type Read = Extract<HistoryEvent, { kind: 'read' }>;

/**
 * G1: a link is there from the moment its creation was answered, on every instance, and leads where it was made to lead; until its deletion
 * was asked for. 503 and its like are no answer about the link and break nothing here. A creation fails with 503 and a
 * Retry-After, or is refused with 409, and in no other way.
 */
export function checkReadable(histories: Iterable<readonly HistoryEvent[]>): Violation[] {
  const events = [...histories].flat();
  const created = new Map<string, Created>();
  const deletedFrom = new Map<string, number>();
  for (const event of events) {
    if (event.kind === 'created') {
      // The first answer counts: a retry is answered later with the same link.
      const known = created.get(event.code);
      if (known === undefined || event.answeredMs < known.answeredMs) created.set(event.code, event);
    }
    if (event.kind === 'deleted') {
      deletedFrom.set(event.code, Math.min(event.sentMs, deletedFrom.get(event.code) ?? Number.POSITIVE_INFINITY));
    }
  }
  return events.flatMap((event) => {
    if (event.kind === 'not-created') return checkFailure(event);
    if (event.kind !== 'read') return [];
    const link = created.get(event.code);
    return link === undefined ? [] : checkRead(event, link, deletedFrom.get(event.code));
  });
}

function checkRead(read: Read, link: Created, deletedFrom: number | undefined): Violation[] {
  const wrong = (message: string): Violation[] => [{ guarantee: 'G1', message, evidence: [link, read] }];
  if (read.location !== undefined && read.location !== link.url) {
    return wrong(`"${read.code}" led to ${read.location} on ${read.by}, and was made for ${link.url}`);
  }
  // Sent in the very millisecond of the answer: which was first can not be told.
  const isThere = read.sentMs > link.answeredMs && (deletedFrom === undefined || read.answeredMs < deletedFrom);
  if (isThere && (read.status === 404 || read.status === 410)) {
    const age = read.sentMs - link.answeredMs;
    return wrong(
      `A false ${read.status}: "${read.code}", made on ${link.by}, was not there on ${read.by} after ${age} ms`,
    );
  }
  return [];
}

function checkFailure(event: Extract<HistoryEvent, { kind: 'not-created' }>): Violation[] {
  if (event.status === 409 && event.alias !== undefined) return [];
  if (event.status === 503 && /^\d+$/.test(event.retryAfter ?? '')) return [];
  const outcome = event.status === 0 ? `no answer (${event.error})` : event.status;
  const message = `A creation on ${event.by} failed with ${outcome}; only 503 with a Retry-After in seconds, or 409 for an alias, may be`;
  return [{ guarantee: 'G1', message, evidence: [event] }];
}
