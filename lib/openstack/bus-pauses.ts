import { growingDelay } from '../growing-delay';

/** After the n-th failure in a row, how long until the next attempt, milliseconds. */
export type Pause = (failures: number) => number;

/** After the bus was lost, or an exchange was not there. */
export const FIRST_BUS_PAUSE_MILLISECONDS = 500;
/** After Postgres was out of reach. */
export const FIRST_STORE_PAUSE_MILLISECONDS = 1_000;
const LONGEST_MILLISECONDS = 30_000;

/**
 * Grows from `first` to 30 s (`growingDelay`): processes that lost the same broker do not all return at once.
 * @param first milliseconds, for 0 failures before this one
 */
export function growingPause(first: number, random: () => number): Pause {
  return (failures) => growingDelay(first, LONGEST_MILLISECONDS, failures, random);
}
