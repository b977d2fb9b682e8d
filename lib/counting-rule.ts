import { type AddressKind, type CountingRule, MOST_ADDRESSES, parseCountingNetwork } from './domain/address';

/** What a host says of addresses; what it does not say has the defaults of docs/configuration.md. */
export interface CountingOptions {
  /** Absent: no address counts. Null: every one does, for development. */
  readonly networks?: readonly string[] | null | undefined;
  readonly addresses?: readonly AddressKind[] | undefined;
  readonly maxAddressesPerInstance?: number | undefined;
}

/**
 * Which addresses count.
 * @param excluded the filers' own
 * @throws Error naming a network that is none
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
