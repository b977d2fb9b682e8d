import type { BackendHealth } from './backend-health';

/**
 * Whether a backend may be looked at beside the runs: it is up, and its storage is its own now. One that is not up is left to
 * the reconciler, which brings it up.
 */
export async function isSound(
  health: Pick<BackendHealth, 'status' | 'verify'>,
  signal: AbortSignal,
  options: { readonly anew?: boolean } = {},
): Promise<boolean> {
  return health.status.state === 'up' && (await health.verify(signal, options)) === 'sound';
}
