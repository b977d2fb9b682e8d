import { createHash } from 'node:crypto';
import { enveloped } from './bus-messages';
import { type CapturedMessage, capturedSequence } from './nova-notifications';

/** Nova's two formats of notifications. */
export type NovaFormat = 'versioned' | 'legacy';

/** Events of an instance's life; those of `update` by the state or the task that it tells of. */
export type NovaEvent =
  | 'update.spawning'
  | 'update.active'
  | 'update.deleting'
  | 'update.deleted'
  | 'create.end'
  | 'delete.start'
  | 'delete.end';

/** Whom a message tells of. */
export interface ToldInstance {
  readonly id: string;
  readonly project: string;
  /** Of one port. */
  readonly addresses: readonly string[];
}

/** A message for the bus, in its envelope. */
export interface MadeMessage {
  readonly format: NovaFormat;
  readonly body: Buffer;
}

const OF_INSTANCE = /^(compute\.)?instance\./;

type Fields = Readonly<Record<string, unknown>>;

/** Makes messages of those that a real Nova has sent: what they tell is another instance's, the rest stays. */
export class MessageMaker {
  readonly #captured: ReadonlyMap<string, Fields>;

  constructor(captured: readonly CapturedMessage[] = capturedSequence()) {
    const ofInstances = captured.filter(({ message }) => OF_INSTANCE.test(String(message.event_type)));
    this.#captured = new Map(ofInstances.map(({ message }) => [nameOf(message), message]));
  }

  /**
   * The same message for the same words, to the byte.
   * @param time when it was so: the message's own timestamp
   * @throws Error when no such message was captured
   */
  make(format: NovaFormat, event: NovaEvent, instance: ToldInstance, time: Date): MadeMessage {
    const captured = this.#captured.get(`${format} ${event}`);
    if (!captured) throw new Error(`no ${format} ${event} was captured`);
    const payload = format === 'versioned' ? versioned(captured, instance) : legacy(captured, instance);
    const message_id = uuidOf(`${instance.id} ${event} ${time.getTime()}`);
    const message = { ...captured, message_id, timestamp: timestamp(time), payload };
    return { format, body: enveloped(message) };
  }
}

/** Such as `versioned update.spawning`. */
function nameOf(message: Fields): string {
  const type = String(message.event_type);
  const isLegacy = type.startsWith('compute.');
  const payload = message.payload as Fields;
  const data = isLegacy ? payload : (payload['nova_object.data'] as Fields);
  const event = type.replace(OF_INSTANCE, '');
  const task = isLegacy ? data.state_description : data.task_state;
  const change = event === 'update' ? `.${String(task || data.state)}` : '';
  return `${isLegacy ? 'legacy' : 'versioned'} ${event}${change}`;
}

function versioned({ payload }: Fields, { id, project, addresses }: ToldInstance): object {
  const data = (payload as Fields)['nova_object.data'] as Fields;
  const told = data.ip_addresses as readonly Fields[];
  const [first] = told;
  const { port, mac } = portOf(id);
  const entries = addresses.map((address) => ({
    ...first,
    'nova_object.data': {
      ...(first?.['nova_object.data'] as Fields),
      port_uuid: port,
      mac,
      ...versionOf(address),
      address,
    },
  }));
  // where it tells of none it is none of any instance
  const said = { ...data, uuid: id, tenant_id: project, ip_addresses: told.length === 0 ? [] : entries };
  return { ...(payload as Fields), 'nova_object.data': said };
}

function legacy({ payload }: Fields, { id, project, addresses }: ToldInstance): object {
  const fields = payload as Fields;
  const said = { ...fields, instance_id: id, tenant_id: project };
  if (!('fixed_ips' in fields)) return said;
  const [first] = fields.fixed_ips as readonly Fields[];
  const { mac } = portOf(id);
  return {
    ...said,
    fixed_ips: addresses.map((address) => ({ ...first, vif_mac: mac, ...versionOf(address), address })),
  };
}

/** The port of an instance, the same in all messages. */
export function portOf(instanceId: string): { readonly port: string; readonly mac: string } {
  const port = uuidOf(instanceId);
  return { port, mac: `fa:16:3e:${port.slice(0, 2)}:${port.slice(2, 4)}:${port.slice(4, 6)}` };
}

/** One that is the same for the same words. */
function uuidOf(words: string): string {
  const [, ...parts] =
    /^(.{8})(.{4}).(.{3}).(.{3})(.{12})/.exec(createHash('sha256').update(words).digest('hex')) ?? [];
  const [first, second, third, fourth, last] = parts;
  return `${first}-${second}-4${third}-8${fourth}-${last}`;
}

function versionOf(address: string): { readonly version: 4 | 6 } {
  return { version: address.includes(':') ? 6 : 4 };
}

/** As Nova writes it, in UTC. */
function timestamp(time: Date): string {
  return `${time.toISOString().replace('T', ' ').replace('Z', '')}000`;
}
