import type { DriftOptions } from './sync/drift';

/** What a host or an operator says of the comparison of backends with the access entries (docs/operations.md, "Drift"). */
export interface DriftSettings {
  /** What is done about a difference: `repair` by default. */
  readonly drift?: DriftOptions['mode'] | undefined;
  /** How long it takes to look at all volumes of a backend, and between two looks for orphans: 600 by default. */
  readonly driftIntervalSeconds?: number | undefined;
}

const DRIFT_INTERVAL_SECONDS = 600;

/** The settings with their defaults. */
export function driftOptions({
  drift = 'repair',
  driftIntervalSeconds = DRIFT_INTERVAL_SECONDS,
}: DriftSettings): DriftOptions {
  return { mode: drift, intervalMilliseconds: driftIntervalSeconds * 1_000 };
}
