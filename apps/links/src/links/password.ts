import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import { OverloadedError } from '@spillway/kernel';

/** scrypt at 32 MiB and tens of milliseconds a guess, as OWASP advises at the least. */
const COST = { N: 2 ** 15, r: 8, p: 1 };
const KEY_BYTES = 32;
/** Two at a time: scrypt runs on libuv's four threads, which the disk spool needs as well. */
const CONCURRENT = 2;
const MAX_WAITING = 64;

export interface Passwords {
  /** `scrypt$N$r$p$salt$key`, base64url. @throws {OverloadedError} */
  hash(password: string): Promise<string>;
  /** @throws {OverloadedError} */
  matches(password: string, stored: string): Promise<boolean>;
}

/** Hashes passwords off the main thread, few at a time, with a bounded queue. */
export function createPasswords(): Passwords {
  let running = 0;
  const waiting: (() => void)[] = [];
  const inTurn = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (running >= CONCURRENT) {
      if (waiting.length >= MAX_WAITING) throw new OverloadedError('The queue of password checks', MAX_WAITING);
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else {
      running += 1;
    }
    try {
      return await work();
    } finally {
      // The place goes from hand to hand, so that nobody can slip in between.
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
  return {
    hash: (password) =>
      inTurn(async () => {
        const salt = randomBytes(16);
        const key = await derive(password, salt, KEY_BYTES, COST);
        return ['scrypt', COST.N, COST.r, COST.p, salt.toString('base64url'), key.toString('base64url')].join('$');
      }),
    matches: (password, stored) =>
      inTurn(async () => {
        const [scheme, N, r, p, salt, key] = stored.split('$');
        if (scheme !== 'scrypt' || salt === undefined || key === undefined) return false;
        const expected = Buffer.from(key, 'base64url');
        const cost = { N: Number(N), r: Number(r), p: Number(p) };
        return timingSafeEqual(expected, await derive(password, Buffer.from(salt, 'base64url'), expected.length, cost));
      }),
  };
}

function derive(password: string, salt: Buffer, bytes: number, cost: ScryptOptions & typeof COST): Promise<Buffer> {
  const options = { ...cost, maxmem: 256 * cost.N * cost.r };
  return new Promise((resolve, reject) => {
    // NFKC: the same password typed on another keyboard is the same password.
    scrypt(password.normalize('NFKC'), salt, bytes, options, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });
}
