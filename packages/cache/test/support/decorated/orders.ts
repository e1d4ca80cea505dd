/** Compiled by its test, since Node strips types and does not run decorators. */
import { createCache } from '@spillway/cache';
import { cached, invalidateCall } from '@spillway/cache/cached';

const cache = createCache<unknown>({ name: 'orders', ttl: '1m', loads: { concurrent: 10, queued: 100 } });
let calls = 0;

class Orders {
  readonly tenant: string;
  constructor(tenant: string) {
    this.tenant = tenant;
  }

  @cached({
    cache,
    key(this: Orders, id: number) {
      return { tenant: this.tenant, id };
    },
  })
  async find(id: number, _trace = ''): Promise<string> {
    calls += 1;
    return `${this.tenant} ${id} call ${calls}`;
  }

  @cached({ cache, key: 'arguments', ttl: '5s' })
  async rate(currency: string): Promise<string> {
    calls += 1;
    return `${currency} call ${calls}`;
  }

  @cached({ cache, name: 'Orders.count' })
  static async count(): Promise<string> {
    calls += 1;
    return `${Orders.name} call ${calls}`;
  }

  // @ts-expect-error A number is no name.
  @cached({ cache, name: 'wrong', key: (id: number) => id })
  async wrong(id: string): Promise<string> {
    return id;
  }
}

const a = new Orders('a');
const b = new Orders('b');
const answers = [
  await a.find(1),
  await a.find(1, 'other trace'),
  await b.find(1),
  await a.rate('EUR'),
  await b.rate('EUR'),
  await Orders.count(),
  await Orders.count(),
];
await invalidateCall(a.find, [1], a);
answers.push(await a.find(1), await b.find(1));
console.log(JSON.stringify({ answers, name: a.find.name, isShared: a.find === b.find }));
