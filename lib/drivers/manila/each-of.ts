import { TerminalError } from '../../ports/driver';

/** Requests for one share at once. */
const AT_ONCE = 4;

/**
 * Does it for each, some at once: one that fails keeps no other from being done.
 * @returns what was thrown
 * @throws the signal's reason when it aborts: no more are begun then, and those that were are waited for
 */
export async function eachOf<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
  signal: AbortSignal,
): Promise<readonly unknown[]> {
  const waiting = [...items];
  const errors: unknown[] = [];
  const workers = Array.from({ length: AT_ONCE }, async () => {
    for (let next = waiting.shift(); next !== undefined && !signal.aborted; next = waiting.shift())
      await work(next).catch((error: unknown) => errors.push(error));
  });
  await Promise.all(workers);
  signal.throwIfAborted();
  return errors;
}

/** Throws what stands for all of these, if there are any: it is terminal only when all are. */
export function throwAny(errors: readonly unknown[]): void {
  const first = errors.find((each) => !(each instanceof TerminalError)) ?? errors[0];
  if (errors.length === 0) return;
  if (errors.length === 1 || first instanceof TerminalError) throw first;
  const text = first instanceof Error ? first.message : String(first);
  throw new AggregateError(errors, `${text} (and ${errors.length - 1} more failures)`);
}
