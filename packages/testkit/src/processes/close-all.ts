/** Closes all, also when some fail. @throws {AggregateError} with every failure */
export async function closeAll(things: readonly { close(): Promise<void> }[]): Promise<void> {
  const results = await Promise.allSettled(things.map((thing) => thing.close()));
  const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
  if (failures.length > 0) throw new AggregateError(failures, failures.map(String).join('\n'));
}
