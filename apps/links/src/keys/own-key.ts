import type { ProblemBody } from '../http/problem.ts';
import { ADMIN } from './scopes.ts';

/** A key that revoked itself could lock everybody out. */
export function ownKeyProblem(id: string, path: string): ProblemBody {
  const remedy =
    id === ADMIN.id
      ? 'start the service with another ADMIN_KEY, and ask with that'
      : 'ask with another key that has the scope "keys:admin"';
  return {
    type: 'urn:spillway:problem:own-key',
    title: 'A key can not revoke itself',
    status: 409,
    detail: `"${id}" is the key that asks, which would lock itself out; ${remedy}`,
    instance: path.slice(0, 200),
  };
}
