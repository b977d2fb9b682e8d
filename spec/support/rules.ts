import type { CountingRule } from '../../lib/domain/address';

/** As in development. */
export const EVERYTHING_COUNTS: CountingRule = { networks: null, kinds: ['fixed', 'floating'] };
