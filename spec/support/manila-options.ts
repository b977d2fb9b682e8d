import { createManilaDriver } from '../../lib/drivers/manila';
import type { Patience } from '../../lib/drivers/manila/driver';
import { Settings } from '../../lib/drivers/settings';
import { thisProcess } from '../../lib/process-identity';

/** Settings of a backend on a stand-in, or on a real Manila. */
export function manilaOptions({ url }: { readonly url: string }, locks: string, more: Record<string, unknown> = {}) {
  return {
    name: 'shares',
    driver: 'manila',
    url: `${url}/v2`,
    shareType: 'default',
    locks,
    auth: {
      url: `${url}/v3`,
      username: 'shared-filesystem',
      password: 'a-secret-password',
      projectName: 'storage',
    },
    ...more,
  };
}

/** A driver that waits no longer than that where others wait. */
export function impatientManila(manila: { readonly url: string }, locks: string, patience: Patience) {
  const { driver: _, ...settings } = manilaOptions(manila, locks);
  return createManilaDriver(new Settings(settings, 'spec'), '', thisProcess(), patience);
}
