import type { EntryTag } from '../store.ts';

/** Digits of the length, to the base 36. */
const LENGTH_DIGITS = 4;

/** The tags of an entry, in front of its text: `<length of the list><tag, era, version, tag, ... as JSON>`. */
export function tagsText(tags: readonly EntryTag[]): string {
  const list = JSON.stringify(tags.flatMap(({ tag, era, version }) => [tag, era, version]));
  return list.length.toString(36).padStart(LENGTH_DIGITS, '0') + list;
}

/** Undefined when it was cut off or overwritten: an entry whose tags nobody knows is not to be used. */
export function parseTagsText(
  raw: string,
  from: number,
): { readonly tags: EntryTag[]; readonly end: number } | undefined {
  const begin = from + LENGTH_DIGITS;
  const end = begin + Number.parseInt(raw.slice(from, begin), 36);
  if (!(raw.length >= end)) return undefined;
  let list: unknown;
  try {
    list = JSON.parse(raw.slice(begin, end));
  } catch {
    return undefined;
  }
  if (!Array.isArray(list) || list.length % 3 !== 0 || !list.every((each) => typeof each === 'string'))
    return undefined;
  const tags: EntryTag[] = [];
  for (let at = 0; at < list.length; at += 3) {
    const [tag, era, version] = list.slice(at, at + 3) as [string, string, string];
    tags.push({ tag, era, version });
  }
  return { tags, end };
}
