import type { HistoryEvent } from './history.ts';
import type { Violation } from './violation.ts';

const SHOWN = 5;

/** G1: over the histories of all processes, no id, no code and no alias was given out twice, and a retry made no second link. */
export function checkUnique(histories: Iterable<readonly HistoryEvent[]>): Violation[] {
  const ids = new Map<number, HistoryEvent[]>();
  const codes = new Map<string, HistoryEvent[]>();
  const retries = new Map<string, HistoryEvent[]>();
  for (const history of histories) {
    for (const event of history) {
      if (event.kind !== 'id' && event.kind !== 'created') continue;
      if (event.id !== undefined) add(ids, event.id, event);
      // A creation repeated under its key is answered with the link it made: the same answer, not a second link.
      const retried = event.kind === 'created' ? event.idempotencyKey : undefined;
      if (retried !== undefined) add(retries, retried, event);
      if (event.code !== undefined) add(codes, event.code, event);
    }
  }
  return [
    ...twice(ids, 'id', (events) => events.length > 1 && !sameLink(events)),
    ...twice(codes, 'code', (events) => events.length > 1 && !sameLink(events)),
    ...twice(retries, 'link under the Idempotency-Key', (events) => new Set(events.map(codeOf)).size > 1),
  ];
}

/** Answers to one and the same creation: all under one Idempotency-Key, to one code and URL. */
function sameLink(events: readonly HistoryEvent[]): boolean {
  const facets = events.map((event) =>
    event.kind === 'created' && event.idempotencyKey !== undefined
      ? JSON.stringify([event.idempotencyKey, event.code, event.url])
      : undefined,
  );
  return facets[0] !== undefined && facets.every((facet) => facet === facets[0]);
}

const codeOf = (event: HistoryEvent) => ('code' in event ? event.code : undefined);

function twice<Key>(
  map: ReadonlyMap<Key, HistoryEvent[]>,
  what: string,
  isWrong: (events: HistoryEvent[]) => boolean,
): Violation[] {
  return [...map]
    .filter(([, events]) => isWrong(events))
    .map(([key, events]) => ({
      guarantee: 'G1',
      message: `The ${what} ${JSON.stringify(key)} was given out ${events.length} times, by ${[...new Set(events.map((event) => event.by))].join(', ')}`,
      evidence: events.slice(0, SHOWN),
    }));
}

function add<Key>(map: Map<Key, HistoryEvent[]>, key: Key, event: HistoryEvent): void {
  const events = map.get(key);
  if (events === undefined) map.set(key, [event]);
  else events.push(event);
}
