/**
 * As `Promise.all` of all items, with no more than `limit` under way at once; results stand in the order of the items.
 * Rejects with the first failure, and begins nothing more after it.
 */
export async function mapAtOnce<Item, Result>(
  items: readonly Item[],
  limit: number,
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  // One for all of them.
  const left = items.entries();
  let hasFailed = false;
  const next = async () => {
    for (const [at, item] of left) {
      if (hasFailed) return;
      results[at] = await work(item).catch((error: unknown) => {
        hasFailed = true;
        throw error;
      });
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, next));
  return results;
}
