import { type InstanceAddress, parseAddress, parseMac } from '../domain/address';
import { InvalidInput } from '../domain/errors';
import { isInstanceId } from '../domain/name';
import { type InstancePayload, instanceIdIn, projectIn, textsIn, wholeList } from './instance-payload';
import { fieldOf, isJsonObject, type JsonObject, novaObjectData } from './payload-fields';

/**
 * Reads the payload of a versioned notification (`instance.create.end`; Nova's "Versioned Notifications").
 * @throws InvalidInput
 */
export function readVersionedPayload(payload: unknown): InstancePayload {
  const data = novaObjectData(payload);
  if (!isKnownVersion(payload)) throw new InvalidInput('its payload is of a version that is not known.');
  if (data === null) throw new InvalidInput('its payload has no "nova_object.data".');
  const update = stateUpdateIn(data);
  return {
    instanceId: instanceIdIn(data, 'uuid'),
    project: projectIn(data),
    states: [...textsIn(data, 'state'), ...textsIn(update, 'state')],
    tasks: [...textsIn(data, 'task_state'), ...textsIn(update, 'new_task_state')],
    addresses: wholeList(fieldOf(data, 'ip_addresses'), readIpPayload),
  };
}

/** Nova has 1.x, of updates 2.x; of another major version the same names may mean something else. */
function isKnownVersion(payload: unknown): boolean {
  const version = isJsonObject(payload) ? fieldOf(payload, 'nova_object.version') : undefined;
  return version === undefined || (typeof version === 'string' && /^[12]\.\d+$/.test(version));
}

/** `instance.update` alone has one: the change that it tells of. */
function stateUpdateIn(data: JsonObject): JsonObject {
  const value = fieldOf(data, 'state_update');
  if (value === undefined || value === null) return {};
  const update = novaObjectData(value);
  if (update === null) throw new InvalidInput('"state_update" in its payload has no "nova_object.data".');
  return update;
}

/** Nova lists the addresses of the ports alone, so all are fixed; the label beside them is of the tenant's choice. */
function readIpPayload(entry: unknown): readonly InstanceAddress[] | null {
  const data = novaObjectData(entry);
  const address = data && parseAddress(fieldOf(data, 'address'));
  if (!data || !address) return null;
  const port = fieldOf(data, 'port_uuid');
  return [
    {
      address,
      kind: 'fixed',
      network: null,
      port: typeof port === 'string' && isInstanceId(port) ? port : null,
      mac: parseMac(fieldOf(data, 'mac')),
    },
  ];
}
