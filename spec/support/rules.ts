import type { CountingRule } from '../../lib/domain/address';
import type { DirectoryOptions } from '../../lib/store/observations';

/** As in development. */
export const EVERYTHING_COUNTS: CountingRule = { networks: null, kinds: ['fixed', 'floating'] };

/** A directory without a Compute API to ask. */
export const DIRECTORY: DirectoryOptions = { rule: EVERYTHING_COUNTS, canAsk: false };
