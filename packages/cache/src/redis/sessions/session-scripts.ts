import { defineScript, ScriptReplyError } from '@spillway/redis';
import { endLua, touchLua, writeLua } from './session.lua.ts';

interface WriteInput {
  readonly key: string;
  readonly notAfterMs: number;
  readonly replaces: string;
  readonly version: string;
  readonly text: string;
  readonly forMs: number;
}

const words =
  <Word extends string>(script: string, ...expected: readonly Word[]) =>
  (raw: unknown): Word => {
    const word = expected.find((each) => each === raw);
    if (word === undefined) throw new ScriptReplyError(script, expected.join(' or '), raw);
    return word;
  };

export const writeScript = defineScript({
  name: 'session.write',
  source: writeLua,
  keys: ({ key }: WriteInput) => [key],
  args: ({ notAfterMs, replaces, version, text, forMs }) => [notAfterMs, replaces, version, text, forMs],
  reply: words('session.write', 'written', 'conflict', 'ended', 'late'),
});

export const touchScript = defineScript({
  name: 'session.touch',
  source: touchLua,
  keys: ({ key }: { key: string; notAfterMs: number; forMs: number }) => [key],
  args: ({ notAfterMs, forMs }) => [notAfterMs, forMs],
  reply: words('session.touch', 'prolonged', 'ended', 'late'),
});

export const endScript = defineScript({
  name: 'session.end',
  source: endLua,
  keys: ({ key }: { key: string; forMs: number }) => [key],
  args: ({ forMs }) => [forMs],
  reply: words('session.end', 'ended'),
});
