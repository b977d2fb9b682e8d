import { createHash } from 'node:crypto';
import type { StandInAddress, StandInServer } from './state';

/** Who looks, and from where: what decides how a server is shown. */
export interface View {
  /** Where the API is as its caller sees it, without a path. */
  readonly origin: string;
  readonly admin: boolean;
  /** Whether fields of newer microversions stand in it; there are samples of 2.1 alone. */
  readonly isNew: boolean;
}

/** The one hypervisor. */
export const STAND_IN_HOST = 'cmp-fake';
const IMAGE = '2b0bd9d4-3a0c-4f6f-9d0b-94bd8d1a8c1e';

/** Nova's status of each vm state that has another name there. */
const STATUS: Readonly<Record<string, string>> = {
  building: 'BUILD',
  stopped: 'SHUTOFF',
  rescued: 'RESCUE',
  resized: 'VERIFY_RESIZE',
};
const SAME = new Set([
  'active',
  'paused',
  'suspended',
  'error',
  'deleted',
  'soft-delete',
  'shelved',
  'shelved_offloaded',
]);
const IN_PROGRESS = new Set(['ACTIVE', 'BUILD', 'VERIFY_RESIZE']);
const POWER: Readonly<Record<string, number>> = { active: 1, paused: 3, stopped: 4, suspended: 7 };

/** Of lists without details. */
export function summaryView(id: string, { name }: StandInServer, view: View): object {
  return { id, name, links: links(id, view) };
}

/** Of lists with details, and of a single server. */
export function serverView(id: string, server: StandInServer, view: View): object {
  const { project, vm_state: state, created, updated = created } = server;
  const status = statusOf(state);
  return {
    id,
    name: server.name,
    status,
    tenant_id: project,
    user_id: server.user ?? 'user',
    metadata: {},
    hostId: createHash('sha224')
      .update(project + STAND_IN_HOST)
      .digest('hex'),
    image: image(view),
    flavor: flavor(view),
    created,
    updated,
    // Nova hides them while an instance is built
    addresses: state === 'building' ? {} : addressesView(server.addresses),
    accessIPv4: '',
    accessIPv6: '',
    links: links(id, view),
    'OS-DCF:diskConfig': 'MANUAL',
    ...(IN_PROGRESS.has(status) ? { progress: 0 } : {}),
    'OS-EXT-AZ:availability_zone': 'nova',
    config_drive: '',
    key_name: null,
    'OS-SRV-USG:launched_at': server.launched === undefined ? updated.replace('Z', '.000000') : server.launched,
    'OS-SRV-USG:terminated_at': server.terminated ?? null,
    ...(view.admin ? administratorFields(server, view) : {}),
    'OS-EXT-STS:task_state': server.task_state,
    'OS-EXT-STS:vm_state': state,
    'OS-EXT-STS:power_state': POWER[state] ?? 0,
    'os-extended-volumes:volumes_attached': [],
    ...(view.isNew && view.admin ? { host_status: 'UP' } : {}),
    ...(view.isNew ? { locked: false, description: null, tags: [], trusted_image_certificates: null } : {}),
  };
}

/** A server whose cell is down, in a list: with details or without. */
export function unknownView(id: string, { project, created }: StandInServer, view: View, detailed: boolean): object {
  const details = detailed ? { tenant_id: project, created } : {};
  return { id, status: 'UNKNOWN', ...details, links: links(id, view) };
}

/** A server whose cell is down, alone. */
export function unknownServerView(id: string, server: StandInServer, view: View): object {
  return {
    ...unknownView(id, server, view, true),
    image: image(view),
    flavor: flavor(view),
    'OS-EXT-AZ:availability_zone': 'UNKNOWN',
    'OS-EXT-STS:power_state': 0,
    user_id: server.user ?? 'user',
  };
}

function statusOf(state: string): string {
  if (state === 'soft-delete') return 'SOFT_DELETED';
  return STATUS[state] ?? (SAME.has(state) ? state.toUpperCase() : 'UNKNOWN');
}

function addressesView(addresses: readonly StandInAddress[]): object {
  const labels = [...new Set(addresses.map(({ network }) => network))];
  const order = (of: string) => [
    ...addresses.filter(({ network, type }) => network === of && type === 'fixed'),
    ...addresses.filter(({ network, type }) => network === of && type === 'floating'),
  ];
  return Object.fromEntries(
    labels.map((label) => [
      label,
      order(label).map(({ addr, type, mac }) => ({
        version: addr.includes(':') ? 6 : 4,
        addr,
        'OS-EXT-IPS:type': type,
        'OS-EXT-IPS-MAC:mac_addr': mac,
      })),
    ]),
  );
}

function administratorFields({ name, number = 1 }: StandInServer, { isNew }: View): object {
  return {
    'OS-EXT-SRV-ATTR:host': STAND_IN_HOST,
    'OS-EXT-SRV-ATTR:instance_name': `instance-${number.toString(16).padStart(8, '0')}`,
    'OS-EXT-SRV-ATTR:hypervisor_hostname': STAND_IN_HOST,
    ...(isNew
      ? {
          'OS-EXT-SRV-ATTR:reservation_id': 'r-00000001',
          'OS-EXT-SRV-ATTR:launch_index': 0,
          'OS-EXT-SRV-ATTR:hostname': name,
          'OS-EXT-SRV-ATTR:kernel_id': '',
          'OS-EXT-SRV-ATTR:ramdisk_id': '',
          'OS-EXT-SRV-ATTR:root_device_name': '/dev/vda',
          'OS-EXT-SRV-ATTR:user_data': null,
        }
      : {}),
  };
}

function image({ origin }: View): object {
  return { id: IMAGE, links: [{ rel: 'bookmark', href: `${origin}/images/${IMAGE}` }] };
}

function flavor({ origin, isNew }: View): object {
  return isNew
    ? { vcpus: 1, ram: 2048, disk: 20, ephemeral: 0, swap: 0, original_name: 'm1.small', extra_specs: {} }
    : { id: '2', links: [{ rel: 'bookmark', href: `${origin}/flavors/2` }] };
}

function links(id: string, { origin }: View): object {
  return [
    { rel: 'self', href: `${origin}/v2.1/servers/${id}` },
    { rel: 'bookmark', href: `${origin}/servers/${id}` },
  ];
}
