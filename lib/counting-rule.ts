import { type AddressKind, type CountingRule, MOST_ADDRESSES, parseCountingNetwork } from './domain/address';

/** Which addresses count, as a host or an operator says it. All processes of a deployment say the same. */
export interface CountingOptions {
  /** `10.20.0.0/16`, `10.20.0.0/16@<network id>`. Absent: no address counts. Null: every one does, for development. */
  readonly networks?: readonly string[] | null | undefined;
  /** `fixed` by default. */
  readonly addresses?: readonly AddressKind[] | undefined;
  /** How many addresses of one instance count, 8 by default. */
  readonly maxAddressesPerInstance?: number | undefined;
}

/**
 * @param excluded the filers' own addresses, as far as this process knows them
 * @throws InvalidInput naming a network that is none
 */
export function countingRule(
  { networks = [], addresses = ['fixed'], maxAddressesPerInstance = MOST_ADDRESSES }: CountingOptions,
  excluded: readonly string[],
): CountingRule {
  return {
    networks: networks?.map(parseCountingNetwork) ?? null,
    kinds: addresses,
    excluded,
    mostPerInstance: maxAddressesPerInstance,
  };
}
