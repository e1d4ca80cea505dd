/** Compiled by its test, since Node strips types and does not run decorators. */
import { createLimiter, tokenBucket } from '@spillway/limit';
import { RateLimitedError, rateLimit } from '@spillway/limit/limited';

const policy = tokenBucket({ name: 'mails', capacity: 2, refill: { tokens: 1, every: '1d' } });
const limiter = createLimiter({ policy });

class Mailer {
  readonly from: string;
  constructor(from: string) {
    this.from = from;
  }

  @rateLimit({
    limiter,
    key(this: Mailer) {
      return this.from;
    },
    cost: (_to: string, copies: number) => copies,
  })
  async send(to: string, copies: number): Promise<string> {
    return `${this.from} -> ${to} x${copies}`;
  }

  @rateLimit({ limiter, key: 'all', skip: (kind: string) => kind === 'free' })
  static async ping(kind: string): Promise<string> {
    return `${Mailer.name} ${kind}`;
  }

  // @ts-expect-error A number is no name.
  @rateLimit({ limiter, key: (to: number) => String(to) })
  async wrong(to: string): Promise<string> {
    return to;
  }
}

const outcomes: unknown[] = [];
const told = async (call: () => Promise<string>) => {
  try {
    outcomes.push(await call());
  } catch (error) {
    if (!(error instanceof RateLimitedError)) throw error;
    outcomes.push([error.message.split(';')[0], error.decision.policy]);
  }
};
const ada = new Mailer('ada');
const grace = new Mailer('grace');
await told(() => ada.send('joan', 2));
await told(() => ada.send('joan', 1));
await told(() => grace.send('joan', 1));
for (const kind of ['a', 'b', 'c', 'free']) await told(() => Mailer.ping(kind));
console.log(JSON.stringify({ outcomes, name: ada.send.name, isShared: ada.send === grace.send }));
