import type { InstanceAddress } from '../../lib/domain/address';

/** An address of an instance: fixed, of a network and a port that are not known. */
export function anAddress(address: string, rest: Partial<InstanceAddress> = {}): InstanceAddress {
  return { address, kind: 'fixed', network: null, port: null, mac: null, ...rest };
}
