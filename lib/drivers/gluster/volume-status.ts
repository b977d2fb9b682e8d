import { parseAddress } from '../../domain/address';
import type { Room } from '../../ports/driver';
import { childrenOf, elementAt, textOf, type XmlElement } from './xml';

/** A brick as `volume status NAME detail` tells it. */
export interface BrickState {
  /** `host:/path`, as it was given when the volume was made. */
  readonly name: string;
  /** Its process runs, and its file system answers. */
  readonly isOnline: boolean;
  /** Host and device: bricks of one device have the same room. */
  readonly device: string;
  readonly totalBytes: bigint;
  readonly freeBytes: bigint;
}

/** The bricks of hosts that answer; the others are left out. */
export function parseBricks(answer: XmlElement): readonly BrickState[] {
  return nodesOf(answer).map((node) => {
    const [total, free] = [bytes(textOf(node, 'sizeTotal')), bytes(textOf(node, 'sizeFree'))];
    const host = textOf(node, 'hostname');
    return {
      name: `${host}:${textOf(node, 'path')}`,
      isOnline: textOf(node, 'status') === '1' && total !== null && free !== null,
      device: `${host} ${textOf(node, 'device')}`,
      totalBytes: total ?? 0n,
      freeBytes: free ?? 0n,
    };
  });
}

/**
 * Whether each replica set has a brick that is there: else some of the data is not.
 * @param names of the volume's bricks, in its order: those of one replica set follow one another
 */
export function isWhole(names: readonly string[], states: readonly BrickState[], replica: number): boolean {
  const online = new Set(states.filter(({ isOnline }) => isOnline).map(({ name }) => name));
  const sets = Array.from({ length: Math.ceil(names.length / replica) }, (_, index) =>
    names.slice(index * replica, (index + 1) * replica),
  );
  return sets.length > 0 && sets.every((set) => set.some((name) => online.has(name)));
}

/** What there is for data, each byte of which is kept `replica` times; null: a brick is not there. */
export function roomOf(names: readonly string[], states: readonly BrickState[], replica: number): Room | null {
  const online = states.filter(({ isOnline }) => isOnline);
  if (online.length === 0 || online.length < names.length) return null;
  const devices = [...new Map(online.map((each) => [each.device, each])).values()];
  const sum = (of: 'totalBytes' | 'freeBytes') => devices.reduce((all, each) => all + each[of], 0n) / BigInt(replica);
  return { totalBytes: sum('totalBytes'), freeBytes: sum('freeBytes') };
}

/**
 * The addresses that are logged in at a brick now, by `volume status NAME clients`, Gluster's own included. A connection that
 * has not logged in is not among them (tried with 10.3), nor is one that a brick has ended and the client has not.
 */
export function parseClients(answer: XmlElement): ReadonlySet<string> {
  const clients = nodesOf(answer).flatMap((node) => childrenOf(elementAt(node, 'clientsStatus'), 'client'));
  // behind the last colon stands the port
  const addresses = clients.map((each) => (textOf(each, 'hostname') ?? '').replace(/:\d+$/, ''));
  return new Set(addresses.map((each) => parseAddress(each) ?? each));
}

function nodesOf(answer: XmlElement): readonly XmlElement[] {
  const volume = elementAt(answer, 'volStatus', 'volumes', 'volume');
  if (!volume) throw new Error('gluster has not said the state of a volume');
  return childrenOf(volume, 'node');
}

function bytes(text: string | null): bigint | null {
  return text !== null && /^\d{1,19}$/.test(text) ? BigInt(text) : null;
}
