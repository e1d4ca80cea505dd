import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../processes/temporary-directory.ts';
import { type HistoryEvent, readHistory, recordHistory } from './history.ts';

test('a history on disk is read back as it was recorded, without the torn line of a killed process', async () => {
  await using directory = temporaryDirectory();
  const file = join(directory.path, 'a.ndjson');
  const history = recordHistory({ file });
  const events: HistoryEvent[] = [1, 2, 3].map((id) => ({ kind: 'id', by: 'a', id }));
  for (const event of events) history.record(event);
  expect(history.events).toEqual(events);
  expect(readHistory(file)).toEqual(events);
  appendFileSync(file, '{"kind":"id","by"');
  expect(readHistory(file)).toEqual(events);
});
