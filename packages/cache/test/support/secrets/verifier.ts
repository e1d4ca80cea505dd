/** Verifies codes in a process of its own: `subject code` in, the outcome out. */
import { createInterface } from 'node:readline';
import { createOtpStore } from '@spillway/cache/otp';
import { redisOtpRecords } from '@spillway/cache/redis/otp';
import { connectRedis } from '@spillway/redis';

const [url = '', secret = ''] = process.argv.slice(2);
const link = connectRedis({ url, deadline: '5s' });
await link.ready({ timeout: '20s' });
const otps = createOtpStore({ records: redisOtpRecords({ link }), name: 'login', secret });
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const [subject = '', code = ''] = line.split(' ');
  const { outcome } = await otps.verify(subject, code);
  console.log(`${subject} ${outcome}`);
}
process.exit(0);
