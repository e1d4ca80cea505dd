/** Header fields in order, names in lower case; a name may come more than once. */
export type Fields = readonly (readonly [name: string, value: string])[];

/** All values of a field, as one list. */
export function fieldValue(fields: Fields, name: string): string | undefined {
  const found = fields.filter(([own]) => own === name).map(([, value]) => value);
  return found.length === 0 ? undefined : found.join(', ');
}

/** The members of a comma separated list, trimmed. For lists whose members hold no quoted commas. */
export const members = (list: string): string[] =>
  list
    .split(',')
    .map((member) => member.trim())
    .filter((member) => member !== '');

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

export const isToken = (text: string): boolean => TOKEN.test(text);

/** About one connection, one client or one length, and so not part of what is stored. */
const NEVER_STORED = new Set([
  'age',
  'cache-status',
  'connection',
  'content-length',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'ratelimit',
  'ratelimit-policy',
  'set-cookie',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * The fields to keep of a response.
 * @param before what stood there when the request came to the cache: others set it, and will again for each answer
 */
export function storedFields(fields: Fields, before: Fields): Fields {
  const perConnection = new Set(members(fieldValue(fields, 'connection') ?? '').map((name) => name.toLowerCase()));
  return fields.filter(
    ([name]) =>
      !NEVER_STORED.has(name) &&
      !name.startsWith('x-ratelimit-') &&
      !perConnection.has(name) &&
      fieldValue(fields, name) !== fieldValue(before, name),
  );
}
