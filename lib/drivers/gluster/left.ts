import { parseAddress } from '../../domain/address';
import { LONGEST_BYTES } from './auth-allow';
import { type GlusterVolume, OPTION } from './volume-info';

/** Nobody has left whose connection has not been looked for. An option can be neither empty nor taken away. */
const NONE = 'none';
/** More than can be written down, or nobody knows who: whoever is connected and not in the list. */
const MANY = 'many';

/** Who was let in, is not any more, and may be connected still; `many`: all that are not in the list. */
export type Left = readonly string[] | typeof MANY;

/** Of changes before that may not have been confirmed. */
export function leftBefore({ options }: GlusterVolume): Left {
  const text = options.get(OPTION.left) ?? NONE;
  return text === MANY ? MANY : text.split(',').filter((each) => parseAddress(each) !== null);
}

/** Whether there is nobody to look for. */
export function isNone(left: Left): boolean {
  return left.length === 0;
}

/** As it is written down. */
export function renderLeft(left: Left): string {
  if (left === MANY) return MANY;
  const text = left.join(',');
  if (text.length > LONGEST_BYTES) return MANY;
  return text === '' ? NONE : text;
}

/**
 * What tells of a connected address whether it has to go.
 * @param taken who is let in
 * @param own the servers' addresses: their daemons are always connected, and are no clients
 */
export function leaves(left: Left, taken: readonly string[], own: readonly string[]): (address: string) => boolean {
  const stays = new Set([...taken, ...own]);
  const goes = left === MANY ? null : new Set(left);
  return (address) => !stays.has(address) && (goes === null || goes.has(address));
}
