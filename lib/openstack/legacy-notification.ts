import { type AddressKind, type InstanceAddress, parseAddress, parseMac } from '../domain/address';
import { InvalidInput } from '../domain/errors';
import { type InstancePayload, instanceIdIn, projectIn, textsIn, wholeList } from './instance-payload';
import { fieldOf, isJsonObject } from './payload-fields';

/**
 * Reads the payload of a legacy notification (`compute.instance.create.end`). Most of them carry no addresses.
 * @throws InvalidInput
 */
export function readLegacyPayload(payload: unknown): InstancePayload {
  if (!isJsonObject(payload)) throw new InvalidInput('its payload is no object.');
  return {
    instanceId: instanceIdIn(payload, 'instance_id'),
    project: projectIn(payload),
    states: textsIn(payload, 'state'),
    tasks: textsIn(payload, 'state_description', 'new_task_state'),
    addresses: wholeList(fieldOf(payload, 'fixed_ips'), readFixedIp),
  };
}

/** An address of a port, with those that a router maps to it. */
function readFixedIp(entry: unknown): readonly InstanceAddress[] | null {
  if (!isJsonObject(entry)) return null;
  const own = readIp(entry, 'fixed');
  const floating = wholeList(fieldOf(entry, 'floating_ips') ?? [], (each) => {
    const address = readIp(each, 'floating');
    return address && [address];
  });
  return own && floating ? [own, ...floating] : null;
}

/** @returns null when it is no address, or one of another type than `fixed` and `floating` */
function readIp(entry: unknown, otherwise: AddressKind): InstanceAddress | null {
  if (!isJsonObject(entry)) return null;
  const address = parseAddress(fieldOf(entry, 'address'));
  const kind = fieldOf(entry, 'type') ?? otherwise;
  if (address === null || (kind !== 'fixed' && kind !== 'floating')) return null;
  return { address, kind, network: null, port: null, mac: parseMac(fieldOf(entry, 'vif_mac')) };
}
