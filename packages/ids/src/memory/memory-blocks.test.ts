import { blockSourceSuite } from '../testing/block-source-suite.ts';
import { memoryBlocks } from './memory-blocks.ts';

blockSourceSuite({
  name: 'memory',
  create: async () => {
    const source = memoryBlocks();
    return { instance: () => source };
  },
  capabilities: { remembers: true, sequences: false },
});
