import type { FastifyInstance } from 'fastify';

/** Which methods a path takes, by the routes there are; empty when it is nothing's path. */
export interface AllowedMethods {
  of(path: string): readonly string[];
}

/** To be called before any route is added. Routes for any path at all are left out: what they take, only they know. */
export function collectMethods(app: FastifyInstance): AllowedMethods {
  const routes: { readonly pattern: RegExp; readonly methods: readonly string[] }[] = [];
  app.addHook('onRoute', ({ url, method }) => {
    if (!url.startsWith('/:')) routes.push({ pattern: toPattern(url), methods: [method].flat() });
  });
  return {
    of(path) {
      const found = routes.filter(({ pattern }) => path === '*' || pattern.test(path));
      return [...new Set(found.flatMap(({ methods }) => methods))].sort();
    },
  };
}

const toPattern = (url: string): RegExp => {
  const parts = url.split('/').map((part) => {
    if (part === '*') return '.*';
    return part.startsWith(':') ? '[^/]+' : part.replace(/[^\w-]/g, '\\$&');
  });
  return new RegExp(`^${parts.join('/')}$`);
};
