/** An instance to be killed: puts a value each few milliseconds, and says so before anything else can happen. */
import { writeSync } from 'node:fs';
import { openStockApp, type StockSettings } from './stock-app.ts';

const { stock } = await openStockApp(JSON.parse(process.argv[2] ?? '{}') as StockSettings);
const say = (line: string): void => void writeSync(1, `${line}\n`);
let pieces = 0;
let beforeMs = Date.now();
setInterval(() => {
  const nowMs = Date.now();
  for (let count = 0; count < 3; count += 1) {
    pieces += 1;
    const accepted = stock.stats().accepted;
    void stock.put(`item ${pieces % 20}`, { pieces });
    // The log has it by now, or refused it. The last number: how long this process had no turn.
    if (stock.stats().accepted > accepted) say(`put ${pieces} ${nowMs} ${nowMs - beforeMs}`);
  }
  beforeMs = nowMs;
}, 5);
say('ready');
