import { defineScript, integers, ScriptReplyError } from '@spillway/redis';
import { doneLua, missingLua, tidyLua } from './stream.lua.ts';

interface OnStream {
  readonly stream: string;
}

export const missingScript = defineScript({
  name: 'events.missing',
  source: missingLua,
  keys: ({ stream }: OnStream & { readonly ids: readonly string[] }) => [stream],
  args: ({ ids }) => ids,
  reply: (raw): string[] => {
    if (Array.isArray(raw) && raw.every((id) => typeof id === 'string')) return raw;
    throw new ScriptReplyError('events.missing', 'an array of entry ids', raw);
  },
});

export const doneScript = defineScript({
  name: 'events.done',
  source: doneLua,
  keys: ({ stream }: OnStream & { readonly group: string; readonly ids: readonly string[] }) => [stream],
  args: ({ group, ids }) => [group, ...ids],
  reply: (raw): number => {
    if (typeof raw === 'number') return raw;
    throw new ScriptReplyError('events.done', 'a number', raw);
  },
});

export const tidyScript = defineScript({
  name: 'events.tidy',
  source: tidyLua,
  keys: ({ stream }: OnStream & { readonly group: string; readonly idleMs: number }) => [stream],
  args: ({ group, idleMs }) => [group, idleMs],
  reply: (raw) => integers('events.tidy', raw, 2),
});
