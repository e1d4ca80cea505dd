#!/usr/bin/env node
// The command in a checkout: the sources run as they are. Written so that any Node can read it and say what is missing.
import module from 'node:module';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `Spillway needs Node.js 22.18 or newer, and this is ${process.versions.node}. In the checkout "npm start" and "npx spillway" bring their own.`,
  );
  process.exit(2);
}
// Types are stripped and modules compiled once per version of a file, not at every start: half of the time to start.
module.enableCompileCache?.();
// What "node --conditions=spillway-source" does, without a second process: our own packages resolve to their sources.
module.registerHooks({
  resolve(specifier, context, next) {
    if (!specifier.startsWith('@spillway/')) return next(specifier, context);
    return next(specifier, { ...context, conditions: [...context.conditions, 'spillway-source'] });
  },
});
const { main } = await import('../src/cli/main.ts');
await main(process.argv.slice(2));
