import { isIP } from 'node:net';
import { addressBits, parseAddress, sortAddresses } from './address';

/** Addresses in one block at most: larger ones are not written, and not taken apart, since nobody of ours has written them. */
const LARGEST_BLOCK = 65_536n;

/** An address, or a CIDR: canonical, `10.20.0.8/30`. */
export type AddressBlock = string;

/**
 * The fewest blocks that have exactly these addresses, never one more: runs become CIDRs, a single one stays as it is.
 * `singleAddresses` takes each apart again.
 * @param addresses canonical, in any order
 * @param prefixes the prefix lengths that may be used, `[24, 16]`; by default all
 */
export function coverExactly(
  addresses: readonly string[],
  prefixes?: Readonly<Record<4 | 6, readonly number[]>>,
): readonly AddressBlock[] {
  const blocks: AddressBlock[] = [];
  for (const { family, first, last } of runsOf(addresses)) {
    const bits = family === 4 ? 32 : 128;
    const lengths = (prefixes?.[family] ?? Array.from({ length: bits }, (_, prefix) => prefix))
      .filter((prefix) => sizeOf(bits, prefix) <= LARGEST_BLOCK)
      .toSorted((one, other) => one - other);
    for (let next = first; next <= last; ) {
      const prefix = lengths.find((each) => fits(next, last, sizeOf(bits, each))) ?? bits;
      blocks.push(prefix === bits ? addressText(family, next) : `${addressText(family, next)}/${prefix}`);
      next += sizeOf(bits, prefix);
    }
  }
  return blocks;
}

/**
 * The single addresses of blocks, sorted as an access list is, each once.
 * @returns `foreign`: what is none of ours: a name, `*`, a block too large to be taken apart
 */
export function singleAddresses(blocks: readonly AddressBlock[]): {
  readonly addresses: readonly string[];
  readonly foreign: readonly string[];
} {
  const taken = blocks.map((block) => ({ block, single: takenApart(block) }));
  return {
    addresses: sortAddresses([...new Set(taken.flatMap(({ single }) => single ?? []))]),
    foreign: taken.flatMap(({ block, single }) => (single ? [] : [block])).toSorted(),
  };
}

/** Null: it is no block, or one too large. */
function takenApart(block: AddressBlock): readonly string[] | null {
  const [text = '', prefixText, ...more] = block.split('/');
  const address = parseAddress(text);
  if (address === null || more.length > 0) return null;
  if (prefixText === undefined) return [address];
  const family = isIP(address) === 4 ? 4 : 6;
  const bits = family === 4 ? 32 : 128;
  const prefix = /^\d{1,3}$/.test(prefixText) ? Number(prefixText) : Number.NaN;
  if (!(prefix <= bits)) return null;
  const size = sizeOf(bits, prefix);
  if (size > LARGEST_BLOCK) return null;
  const first = addressBits(address) & ~(size - 1n);
  return Array.from({ length: Number(size) }, (_, index) => addressText(family, first + BigInt(index)));
}

/** How many addresses a block has. */
function sizeOf(bits: number, prefix: number): bigint {
  return 1n << BigInt(bits - prefix);
}

interface Run {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
}

/** Addresses that follow one another. */
function runsOf(addresses: readonly string[]): readonly Run[] {
  const runs: { family: 4 | 6; first: bigint; last: bigint }[] = [];
  for (const address of sortAddresses(addresses)) {
    const family = isIP(address) === 4 ? 4 : 6;
    const bits = addressBits(address);
    const run = runs.at(-1);
    if (run?.family === family && bits <= run.last + 1n) run.last = bits;
    else runs.push({ family, first: bits, last: bits });
  }
  return runs;
}

/** Whether a block of so many addresses begins here, and ends before or where the run does. */
function fits(first: bigint, last: bigint, size: bigint): boolean {
  return (first & (size - 1n)) === 0n && first + size - 1n <= last;
}

function addressText(family: 4 | 6, bits: bigint): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (bits >> shift) & 0xffn).join('.');
  const groups = Array.from({ length: 8 }, (_, index) => ((bits >> BigInt(112 - 16 * index)) & 0xffffn).toString(16));
  return parseAddress(groups.join(':')) ?? '';
}
