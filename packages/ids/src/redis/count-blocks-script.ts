import { defineScript, integers } from '@spillway/redis';
import { countBlocksLua } from './count-blocks.lua.ts';

export interface CountBlocksInput {
  readonly sequenceKey: string;
  readonly blockSize: number;
}

export const countBlocksScript = defineScript({
  name: 'ids.count-blocks',
  source: countBlocksLua,
  keys: ({ sequenceKey }: CountBlocksInput) => [sequenceKey],
  args: ({ blockSize }) => [blockSize],
  reply: (raw) => {
    const [number = 0, fixedSize = 0] = integers('ids.count-blocks', raw, 2);
    return { number, fixedSize };
  },
});
