import { type InstanceAddress, parseAddress, parseMac } from '../domain/address';
import { isInstanceId } from '../domain/name';
import { fieldOf, isJsonObject, type JsonObject } from './payload-fields';
import { unreadable } from './server-answer';

/** A Neutron port of an instance, as `GET /servers/{id}/os-interface` tells of it. */
export interface Attachment {
  /** Canonical. */
  readonly addresses: readonly string[];
  readonly mac: string | null;
  /** The port's id and its network's; null: not both can be read. */
  readonly place: Pick<InstanceAddress, 'network' | 'port'> | null;
}

const NOWHERE = { network: null, port: null };

/**
 * Reads the answer to `GET /servers/{id}/os-interface`.
 * @throws Unavailable when it is no list of attachments
 */
export function readAttachments(body: unknown): readonly Attachment[] {
  const list = isJsonObject(body) ? fieldOf(body, 'interfaceAttachments') : undefined;
  if (!Array.isArray(list)) throw unreadable();
  return list.map((entry) => (isJsonObject(entry) ? readAttachment(entry) : { addresses: [], mac: null, place: null }));
}

/**
 * The addresses with the port and the network of the one attachment that has this address and this MAC address. Where two
 * have it and are not the same, neither is believed: whoever may create ports can name any instance as a port's device.
 */
export function withPlaces(
  addresses: readonly InstanceAddress[],
  attachments: readonly Attachment[],
): readonly InstanceAddress[] {
  return addresses.map((one) => {
    if (one.kind !== 'fixed' || one.mac === null) return one;
    const [place, ...others] = attachments
      .filter((each) => each.mac === one.mac && each.addresses.includes(one.address))
      .map((each) => each.place ?? NOWHERE);
    const same = others.every(({ network, port }) => network === place?.network && port === place.port);
    return place && same ? { ...one, ...place } : one;
  });
}

function readAttachment(entry: JsonObject): Attachment {
  const fixedIps = fieldOf(entry, 'fixed_ips');
  const addresses = (Array.isArray(fixedIps) ? fixedIps : []).flatMap((each) =>
    isJsonObject(each) ? (parseAddress(fieldOf(each, 'ip_address')) ?? []) : [],
  );
  const network = idIn(entry, 'net_id');
  const port = idIn(entry, 'port_id');
  const place = network !== null && port !== null ? { network, port } : null;
  return { addresses, mac: parseMac(fieldOf(entry, 'mac_addr')), place };
}

function idIn(entry: JsonObject, name: string): string | null {
  const id = fieldOf(entry, name);
  return typeof id === 'string' && isInstanceId(id) ? id : null;
}
