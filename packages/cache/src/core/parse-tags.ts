/** Tags of one entry. Each costs a read of its record with every L2 hit. */
export const MAX_TAGS = 16;

/** Characters of one tag, as `length` counts them. */
export const MAX_TAG_LENGTH = 256;

/**
 * The tags of one entry, each once; undefined for none.
 * @throws {TypeError | RangeError} what is wrong with them, and what to do about it
 */
export function parseEntryTags(tags: unknown): readonly string[] | undefined {
  if (tags === undefined) return undefined;
  const parsed = parseTags(tags);
  if (parsed.length > MAX_TAGS) {
    throw new RangeError(
      `An entry has at most ${MAX_TAGS} tags, got ${parsed.length}; use fewer, wider ones, e.g. "user:7" for all of user 7`,
    );
  }
  return parsed.length === 0 ? undefined : parsed;
}

/** As `parseEntryTags`, for any number of them. */
export function parseTags(tags: unknown): readonly string[] {
  if (typeof tags === 'function') {
    throw new TypeError(
      'Tags are a list, got a function: a tag is read before the load, and so can not be told from the loaded value. Name the tags in the call, or give what they hang on to the key',
    );
  }
  if (!Array.isArray(tags))
    throw new TypeError(`Tags are a list of strings, got ${typeof tags}; write e.g. ["user:7"]`);
  for (const tag of tags as unknown[]) checkTag(tag);
  return [...new Set(tags as string[])];
}

function checkTag(tag: unknown): void {
  if (typeof tag !== 'string') throw new TypeError(`A tag is a string, got ${typeof tag}; write e.g. \`user:\${id}\``);
  if (tag === '') throw new RangeError('A tag must not be empty; write e.g. "user:7"');
  if (tag.length > MAX_TAG_LENGTH) {
    throw new RangeError(
      `A tag has at most ${MAX_TAG_LENGTH} characters, got ${tag.length} in ${JSON.stringify(`${tag.slice(0, 20)}...`)}; use an id, or a digest`,
    );
  }
}
