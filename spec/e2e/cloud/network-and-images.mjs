// As much of Neutron and Glance as Nova asks for when its hypervisor only pretends: two networks with IPv4 and IPv6, ports, and
// whatever image is named. All is in memory. node network-and-images.mjs NETWORK_PORT IMAGE_PORT
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';

const [networkPort, imagePort] = process.argv.slice(2).map(Number);
const EXTENSIONS = ['binding', 'provider', 'quotas', 'router', 'security-group'];
const STORAGE = '11111111-1111-4111-8111-111111111111';
const OTHER = '22222222-2222-4222-8222-222222222222';

const aSubnet = (id, network_id, ip_version, prefix, cidr) => ({
  id,
  network_id,
  ip_version,
  prefix,
  cidr,
  gateway_ip: `${prefix}1`,
  name: cidr,
  enable_dhcp: true,
  dns_nameservers: [],
  host_routes: [],
});
const subnets = [
  aSubnet('11111111-0000-4000-8000-000000000004', STORAGE, 4, '10.20.0.', '10.20.0.0/16'),
  aSubnet('11111111-0000-4000-8000-000000000006', STORAGE, 6, 'fd00:20::', 'fd00:20::/64'),
  aSubnet('22222222-0000-4000-8000-000000000004', OTHER, 4, '10.30.0.', '10.30.0.0/16'),
  aSubnet('22222222-0000-4000-8000-000000000006', OTHER, 6, 'fd00:30::', 'fd00:30::/64'),
];
const aNetwork = (id, name) => ({
  id,
  name,
  status: 'ACTIVE',
  admin_state_up: true,
  shared: true,
  'router:external': false,
  mtu: 1500,
  tenant_id: 'network',
  port_security_enabled: false,
  subnets: subnets.filter(({ network_id }) => network_id === id).map((subnet) => subnet.id),
  'provider:network_type': 'local',
});
const networks = [aNetwork(STORAGE, 'storage'), aNetwork(OTHER, 'other')];
const ports = new Map();
let lastHost = 15;

const isOf = ({ ip_version, prefix }, address) =>
  ip_version === 4 ? address.startsWith(prefix.replace(/0\.$/, '')) : address.startsWith(prefix);

/** The addresses of a new port: those that are asked for, else one that no port ever had on each subnet. */
function addressesFor({ network_id, fixed_ips }, host) {
  const own = subnets.filter((subnet) => subnet.network_id === network_id);
  if (fixed_ips?.[0]?.ip_address)
    return fixed_ips.map(({ ip_address }) => ({
      subnet_id: own.find((each) => isOf(each, ip_address))?.id,
      ip_address,
    }));
  return own.map(({ id, ip_version, prefix }) => ({
    subnet_id: id,
    ip_address: ip_version === 4 ? prefix.replace(/0\.$/, `${host >> 8}.${host & 255}`) : prefix + host.toString(16),
  }));
}

function createPort(wanted) {
  const host = ++lastHost;
  const port = {
    name: '',
    status: 'ACTIVE',
    admin_state_up: true,
    device_id: '',
    device_owner: '',
    security_groups: [],
    allowed_address_pairs: [],
    'binding:vif_type': 'ovs',
    'binding:vif_details': { port_filter: false },
    'binding:vnic_type': 'normal',
    'binding:profile': {},
    ...wanted,
    id: randomUUID(),
    mac_address: `fa:16:3e:00:${hex(host >> 8)}:${hex(host & 255)}`,
    fixed_ips: addressesFor(wanted, host),
  };
  ports.set(port.id, port);
  return port;
}
const hex = (byte) => byte.toString(16).padStart(2, '0');

/** Neutron's filters, such as `device_id=…` or `fixed_ips=ip_address=…`; those of which the object says nothing let all pass. */
function passes(object, query) {
  return [...new Set(query.keys())].every((key) => {
    const wanted = query.getAll(key).map((value) => value.toLowerCase());
    if (key === 'fixed_ips')
      return object.fixed_ips.some(({ ip_address }) => wanted.includes(`ip_address=${ip_address}`));
    if (object[key] === undefined || (key === 'tenant_id' && object.shared)) return true;
    return wanted.includes(String(object[key]).toLowerCase());
  });
}

const lists = {
  networks: () => networks,
  subnets: () => subnets,
  ports: () => [...ports.values()],
  extensions: () => EXTENSIONS.map((alias) => ({ alias, name: alias, description: '', links: [], updated: '' })),
  floatingips: () => [],
  'security-groups': () => [],
};

/** @returns status and body */
function neutron(method, { pathname, searchParams }, body) {
  const [kind, id] = pathname.replace(/^\/v2\.0\//, '').split('/');
  if (kind === 'quotas') return [200, { quota: { network: -1, port: -1, security_group: -1, subnet: -1 } }];
  if (!lists[kind]) return missing(kind);
  if (method === 'POST' && kind === 'ports') return [201, { port: createPort(body.port) }];
  const all = lists[kind]();
  if (!id) return [200, { [kind.replace('-', '_')]: all.filter((each) => passes(each, searchParams)) }];
  const found = all.find((each) => each.id === id);
  if (!found) return missing(kind);
  if (method === 'PUT') Object.assign(found, body.port);
  if (method === 'DELETE') ports.delete(id);
  return method === 'DELETE' ? [204] : [200, { [kind.slice(0, -1)]: found }];
}
const missing = (kind) => {
  const type = { networks: 'NetworkNotFound', ports: 'PortNotFound' }[kind] ?? 'NotFound';
  return [404, { NeutronError: { type, message: 'could not be found', detail: '' } }];
};

const anImage = (id, more) => ({
  id,
  name: 'an image',
  status: 'active',
  visibility: 'public',
  size: 1,
  virtual_size: null,
  min_disk: 0,
  min_ram: 0,
  disk_format: 'raw',
  container_format: 'bare',
  owner: 'images',
  protected: false,
  checksum: null,
  tags: [],
  os_hidden: false,
  created_at: '2026-01-01T00:00:00Z',
  updated_at: '2026-01-01T00:00:00Z',
  ...more,
});
const schemaOf = (value) => ({ type: Array.isArray(value) ? 'array' : ['null', 'string', 'integer', 'boolean'] });
const imageSchema = () => {
  const properties = Object.entries(anImage('')).map(([key, value]) => [key, schemaOf(value)]);
  return { name: 'image', additionalProperties: { type: 'string' }, properties: Object.fromEntries(properties) };
};

/** @returns status and body */
function glance(method, { pathname, host }, body) {
  if (!pathname.startsWith('/v2/'))
    return [
      300,
      { versions: [{ id: 'v2.9', status: 'CURRENT', links: [{ rel: 'self', href: `http://${host}/v2/` }] }] },
    ];
  if (pathname.startsWith('/v2/schemas/')) return [200, imageSchema()]; // an image's members have one too
  if (method === 'POST') return [201, anImage(randomUUID(), { ...body, status: 'queued' })];
  return method === 'GET' ? [200, anImage(pathname.split('/')[3])] : [204];
}

function serve(port, api) {
  createServer(async (request, response) => {
    const url = new URL(request.url, `http://127.0.0.1:${port}`);
    const sent = await text(request);
    // an image's content is no JSON, and nobody asks for it again
    const [status, body] = api(request.method, url, sent.startsWith('{') ? JSON.parse(sent) : {});
    console.log(request.method, request.url, status);
    response.writeHead(status, body && { 'Content-Type': 'application/json' }).end(body && JSON.stringify(body));
  }).listen(port, '127.0.0.1');
}

serve(networkPort, neutron);
serve(imagePort, glance);
