import { createHash } from 'node:crypto';

/** What stands for a session's id in a store: who reads the store can not go on with anybody's session. */
export const sessionName = (id: string): string => createHash('sha256').update(id).digest('base64url');
