import { BlockList, isIP } from 'node:net';
import { type CountingRule, canCount, parseAddress } from './address';
import { isFilesystemName, isProjectId } from './name';
import { isUuid } from './uuid';

/*
 * What a row of the database may tell where the privileges are: a filer believes none (docs/filers.md, "What a filer believes").
 */

const SIZE_TEXT = /^[0-9]{1,16}[KMGTP]b$/;
const FAMILY = { 4: 'ipv4', 6: 'ipv6' } as const;

/** Whether it is the id of a filesystem: paths are made of it. */
export function isCredibleId(id: unknown): id is string {
  return typeof id === 'string' && isUuid(id);
}

/** Whether it is a number that a backend can have, or null. */
export function isCredibleNumber(number: unknown, largest: number | null): number is number | null {
  return number === null || (Number.isInteger(number) && Number(number) >= 1 && Number(number) <= (largest ?? 2 ** 31));
}

/** A name that stands in comments and records: what no filesystem can have in its name is no part of it. */
export function credibleName(name: unknown): string {
  const text = String(name);
  return isFilesystemName(text) ? text : text.slice(0, 63).replaceAll(/[^A-Za-z0-9._-]/g, '?');
}

/** A project's id, as `credibleName`. */
export function credibleProject(project: unknown): string {
  const text = String(project);
  return isProjectId(text) ? text : text.slice(0, 255).replaceAll(/[^!-.0-~]/g, '?');
}

/** A size as written; where it is none, its bytes. */
export function credibleSizeText({ bytes, text }: { readonly bytes: bigint; readonly text: string }): string {
  return SIZE_TEXT.test(text) ? text : String(bytes);
}

/** Whether an address may ever be let in under a rule: a single one, canonical, in its CIDRs, none of those that never count. */
export function addressTest({ networks, excluded = [] }: CountingRule): (address: string) => boolean {
  const own = new Set(excluded);
  const lists = { 4: new BlockList(), 6: new BlockList() };
  for (const { cidr } of networks ?? []) {
    const [network = '', prefix = ''] = cidr.split('/');
    const family = isIP(network) === 4 ? 4 : 6;
    lists[family].addSubnet(network, Number(prefix), FAMILY[family]);
  }
  return (address) => {
    if (parseAddress(address) !== address || own.has(address) || !canCount(address)) return false;
    const family = isIP(address) === 4 ? 4 : 6;
    return networks === null || lists[family].check(address, FAMILY[family]);
  };
}
