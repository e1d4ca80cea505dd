import { defineScript, integers } from '@spillway/redis';
import { proposeLua } from './propose.lua.ts';

export interface ProposeInput {
  readonly counterKey: string;
  /** The proposal is above it. */
  readonly floor: number;
}

export const proposeScript = defineScript({
  name: 'ids.propose',
  source: proposeLua,
  keys: ({ counterKey }: ProposeInput) => [counterKey],
  args: ({ floor }) => [floor],
  reply: (raw): number => integers('ids.propose', raw, 1)[0] as number,
});
