import type { Issue } from '@spillway/kernel';
import { environment } from './environment.ts';

/** Shorter names are too near to what systems and shells set: HOST to HOSTS, PORT to SPORT. */
const SHORTEST = 6;
/** In words this long two slips are still the same word; in shorter ones another: URL and URI are one slip, POOL and PORT two. */
const LONG_WORD = 6;

const known = Object.keys(environment.shape);

/** The set variables that are no setting, but one or two slips of the hand from one that is not set. Nobody reads them. */
export function misspeltSettings(variables: Readonly<Record<string, string | undefined>>): readonly Issue[] {
  const isSet = (name: string) => (variables[name] ?? '').trim() !== '';
  const missing = known.filter((name) => name.length >= SHORTEST && !isSet(name));
  return Object.keys(variables)
    .filter((name) => isSet(name) && !known.includes(name))
    .flatMap((name) => {
      const meant = missing.find((each) => isSlipOf(each, name));
      return meant === undefined ? [] : [{ path: name, message: `is no setting and not read; is it ${meant}?` }];
    });
}

function isSlipOf(setting: string, name: string): boolean {
  const [right, written] = [setting.split('_'), name.split('_')];
  if (right.length !== written.length) return slips(setting, name) === 1;
  const each = right.map((word, at) => ({ word, count: slips(word, written[at] ?? '') }));
  const all = each.reduce((sum, { count }) => sum + count, 0);
  return all <= 2 && each.every(({ word, count }) => count <= (word.length >= LONG_WORD && right.length > 1 ? 2 : 1));
}

/** Letters lost, added or mistaken, and neighbours that changed places; 3 stands for more. */
function slips(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return 3;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + same);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) least = Math.min(least, (before[j - 2] ?? 0) + 1);
      row.push(least);
    }
    [before, last] = [last, row];
  }
  return Math.min(3, last[b.length] ?? 3);
}
