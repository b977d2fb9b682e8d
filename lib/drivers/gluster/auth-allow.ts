import { isIPv4 } from 'node:net';
import { coverExactly, singleAddresses } from '../../domain/address-cover';
import { type BoundedList, boundedList } from '../../domain/bounded-list';

/**
 * Who nobody is. The option is never empty (the old list would stay) and never reset (everybody). Not `NONE` or another word:
 * bricks take it for a host's name and look it up, and whoever has that name is let in. No client has this address.
 */
export const NOBODY = '0.0.0.0';
const EVERYBODY = '*';

/** Of an option's value: glusterd 10.3 aborts or hangs at some 4,090 bytes. */
export const LONGEST_BYTES = 4_000;

/** For the owner of a filesystem whose list is too long. */
export const TOO_LONG = `GlusterFS holds a list of ${LONGEST_BYTES} bytes, some 300 single addresses: this one does not fit. It is tried again when there is room.`;

/** Bricks compare blocks of whole octets; a /30 they accept and let nobody in by it. Of IPv6 they take single addresses alone. */
const OCTETS = { 4: [24, 16], 6: [] } as const;

/** The value of `auth.allow` that lets in exactly these. */
export function renderAllow(addresses: readonly string[]): string {
  return addresses.length === 0 ? NOBODY : coverExactly(addresses, OCTETS).join(',');
}

/** Who is let in by the value of `auth.allow`. */
export interface Allowed {
  /** Single addresses, sorted as an access list is. */
  readonly addresses: readonly string[];
  /** What is none of ours: names, patterns, `*`. */
  readonly foreign: readonly string[];
  readonly isEverybody: boolean;
}

/** Reads the value of `auth.allow`, whoever has set it; null: it was never set. */
export function parseAllow(value: string | null): Allowed {
  // what is not set is everybody
  const blocks = (value ?? EVERYBODY)
    .split(',')
    .map((each) => block(each.trim()))
    .filter((each) => each !== '' && each !== NOBODY);
  return { ...singleAddresses(blocks), isEverybody: blocks.includes(EVERYBODY) };
}

/** Of a list, as much as GlusterFS holds. */
export function fitting(
  addresses: readonly string[],
  present: readonly string[],
  waiting: readonly string[],
): BoundedList {
  return boundedList(addresses, present, waiting, (some) => renderAllow(some).length <= LONGEST_BYTES);
}

/** The older way to write a block, `10.20.0.*`, as a CIDR; anything else as it is. */
function block(text: string): string {
  const octets = text.split('.');
  const stars = octets.indexOf('*');
  if (octets.length !== 4 || stars < 1 || octets.slice(stars).some((each) => each !== '*')) return text;
  const network = octets.map((each) => (each === '*' ? '0' : each)).join('.');
  return isIPv4(network) ? `${network}/${stars * 8}` : text;
}
