/** Works through the items, at most `width` at a time, in their order. Rejects with the first error. */
export async function inParallel<Item>(
  items: Iterable<Item>,
  width: number,
  work: (item: Item, index: number) => Promise<unknown>,
): Promise<void> {
  const queue = [...items].entries();
  const runner = async () => {
    for (const [index, item] of queue) await work(item, index);
  };
  await Promise.all(Array.from({ length: width }, runner));
}
