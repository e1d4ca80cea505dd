import { z } from 'zod';
import { saying } from '../http/saying.ts';

/** What a key may do. `*` is everything, and only the admin key's. */
export const SCOPES = ['links:read', 'links:write', 'stats:read', 'keys:admin', 'limits:check'] as const;

export type Scope = (typeof SCOPES)[number];

export const scopeSchema = z.enum(SCOPES, saying(`must be one of ${SCOPES.join(', ')}`)).meta({ id: 'Scope' });

/** Who makes a request. */
export interface Caller {
  /** The key's id, `admin`, or `anonymous`. */
  readonly id: string;
  readonly kind: 'admin' | 'key' | 'anonymous';
  readonly scopes: ReadonlySet<Scope>;
  /** Of a key: the name of its plan. */
  readonly plan?: string | undefined;
  /** Of a key: its own policies, a JSON array. */
  readonly limits?: string | undefined;
}

export const ADMIN: Caller = { id: 'admin', kind: 'admin', scopes: new Set(SCOPES) };
export const ANONYMOUS: Caller = { id: 'anonymous', kind: 'anonymous', scopes: new Set() };
