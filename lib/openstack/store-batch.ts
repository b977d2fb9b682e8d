import { Unavailable } from '../domain/errors';
import type { NotificationSink } from '../ports/cloud';
import type { Observed } from './delivery';

/** One that cannot be stored, and why. */
export interface Refused extends Observed {
  readonly error: unknown;
}

/**
 * Stores observations in their order, whatever it takes: again while Postgres is out of reach, and in ever smaller parts
 * when they are refused, until the one is found that is to blame.
 *
 * @param wait called after each failure for want of Postgres, resolves when it is time to try again; false: give up
 * @returns those that cannot be stored; null when it gave up before all were stored
 */
export async function storeAll(
  sink: Pick<NotificationSink, 'store'>,
  observed: readonly Observed[],
  wait: (failures: number, error: Unavailable) => Promise<boolean>,
): Promise<readonly Refused[] | null> {
  const [first, ...others] = observed;
  if (!first) return [];
  for (let failures = 0; ; failures += 1) {
    const failure = await failureOf(sink.store(observed.map(({ observation }) => observation)));
    if (!failure) return [];
    const { error } = failure;
    if (!(error instanceof Unavailable))
      return others.length === 0 ? [{ ...first, error }] : storeHalves(sink, observed, wait);
    if (!(await wait(failures, error))) return null;
  }
}

function failureOf(promise: Promise<void>): Promise<{ readonly error: unknown } | null> {
  return promise.then(
    () => null,
    (error: unknown) => ({ error }),
  );
}

async function storeHalves(...[sink, observed, wait]: Parameters<typeof storeAll>): ReturnType<typeof storeAll> {
  const half = Math.ceil(observed.length / 2);
  const refused = await storeAll(sink, observed.slice(0, half), wait);
  const others = refused && (await storeAll(sink, observed.slice(half), wait));
  return others && [...refused, ...others];
}
