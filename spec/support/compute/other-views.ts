import type { StandInServer } from './state';
import { STAND_IN_HOST, type View } from './views';

/** The ports that fixed addresses are of. */
export function interfacesView({ addresses }: StandInServer): object {
  const ports = [...new Set(addresses.filter(({ type }) => type === 'fixed').map(({ port }) => port))];
  const attachment = (port: string) => {
    const own = addresses.filter((each) => each.type === 'fixed' && each.port === port);
    return {
      net_id: own[0]?.netId,
      port_id: port,
      mac_addr: own[0]?.mac,
      port_state: 'ACTIVE',
      fixed_ips: own.map(({ addr, netId }) => ({ subnet_id: netId.replace(/^.{8}/, 'cccccccc'), ip_address: addr })),
    };
  };
  return { interfaceAttachments: ports.map(attachment) };
}

/** The services of a cloud, a host of it in a cell that is down. */
export function servicesView(isDown: boolean, view: View): object {
  const service = (binary: string, host: string, zone: string, id: number) => ({
    binary,
    host,
    id: view.isNew ? `dddddddd-0000-4000-8000-00000000000${id}` : id,
    zone,
    status: 'enabled',
    state: 'up',
    updated_at: '2026-11-23T14:23:38.000000',
    disabled_reason: null,
    ...(view.isNew ? { forced_down: false } : {}),
  });
  const down = isDown && view.isNew ? [{ binary: 'nova-compute', host: 'cmp-down', status: 'UNKNOWN' }] : [];
  return {
    services: [
      service('nova-conductor', STAND_IN_HOST, 'internal', 1),
      service('nova-compute', STAND_IN_HOST, 'nova', 2),
      ...down,
    ],
  };
}
