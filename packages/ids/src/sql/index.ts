export { type AssertSecretOptions, assertSecret, hasSecret } from './assert-secret.ts';
export { idMigrations } from './migrations.ts';
export { type SqlBlocksOptions, sqlBlocks } from './sql-blocks.ts';
export { type StepOverOptions, stepOver } from './step-over.ts';
