import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readAttachments, withPlaces } from '../../lib/openstack/interface-answer';
import { readServer, readServers, saysAbsent } from '../../lib/openstack/server-answer';
import { cellsAnswer } from '../../lib/openstack/services-answer';
import { anAddress } from '../support/an-address';

const TIME = new Date('2026-11-23T14:30:00Z');
const ID = 'd25d21d2-07bb-40ac-8e87-da06ea4a6a53';
const MAC = 'fa:16:3e:00:00:15';

const sample = (name: string) =>
  JSON.parse(readFileSync(join(__dirname, `../fixtures/nova/api/${name}.json`), 'utf8')).body;
const row = (rest: object = {}) => ({
  id: ID,
  status: 'ACTIVE',
  tenant_id: 'alpha',
  'OS-EXT-STS:vm_state': 'active',
  'OS-EXT-STS:task_state': null,
  addresses: {},
  ...rest,
});
const read = (server: unknown) => readServer(server, TIME).observation;
const ip = (addr: unknown, rest: object = {}) => ({
  addr,
  version: 4,
  'OS-EXT-IPS:type': 'fixed',
  'OS-EXT-IPS-MAC:mac_addr': MAC,
  ...rest,
});

describe('an instance of which Compute tells', () => {
  it('is read from an answer of the real Nova', () => {
    expect(readServer(sample('server').server, TIME)).toEqual({
      instanceId: ID,
      observation: {
        instanceId: ID,
        project: 'c735cd3225ff4a8d8610dbac82687363',
        state: 'live',
        addresses: [anAddress('10.20.0.21', { mac: MAC }), anAddress('fd00:20::15', { mac: MAC })],
        time: TIME,
        source: 'compute',
        cause: 'compute.server',
      },
    });
  });

  it.each([
    ['active', null, 'ACTIVE', 'live'],
    ['active', 'rebooting', 'REBOOT', 'live'],
    ['stopped', null, 'SHUTOFF', 'live'],
    ['error', null, 'ERROR', 'live'],
    ['shelved_offloaded', null, 'SHELVED_OFFLOADED', 'live'],
    ['active', 'deleting', 'ACTIVE', 'suspended'],
    ['active', 'soft-deleting', 'ACTIVE', 'suspended'],
    ['soft-delete', null, 'SOFT_DELETED', 'suspended'],
    ['active', null, 'SOFT_DELETED', 'suspended'],
    ['deleted', null, 'DELETED', 'gone'],
    ['active', null, 'DELETED', 'gone'],
    ['hibernating', null, 'HIBERNATED', undefined],
  ])('in state %s with task %s and status %s is %s', (vmState, taskState, status, state) => {
    const said = { 'OS-EXT-STS:vm_state': vmState, 'OS-EXT-STS:task_state': taskState, status };
    expect(read(row(said))).toMatchObject({ instanceId: ID, project: 'alpha' });
    expect(read(row(said))?.state).toBe(state);
  });

  it.each([
    ['whose status is UNKNOWN', { status: 'UNKNOWN' }],
    ['without a status', { status: undefined }],
    ['without a state', { 'OS-EXT-STS:vm_state': undefined }],
    ['whose state is null', { 'OS-EXT-STS:vm_state': null }],
    ['whose task is a number', { 'OS-EXT-STS:task_state': 7 }],
    ['whose project is a path', { tenant_id: 'a/b' }],
    ['whose project is a list', { tenant_id: ['alpha'] }],
  ])('%s says nothing, but is there', (_what, rest) => {
    expect(readServer(row(rest), TIME)).toEqual({ instanceId: ID, observation: null });
  });

  it.each([[null], [[]], ['text'], [row({ id: undefined })], [row({ id: '../x' })], [row({ id: 7 })]])(
    'cannot be told from %j',
    (server) => {
      expect(readServer(server, TIME)).toEqual({ instanceId: null, observation: null });
    },
  );

  it('has no project where none is told', () => {
    expect(read(row({ tenant_id: '' }))).toMatchObject({ project: undefined, state: 'live' });
  });
});

describe('the addresses that Compute tells', () => {
  const known = anAddress('10.20.0.21', { mac: MAC });
  it.each([
    ['none', {}, []],
    ['one', { net: [ip('10.20.0.21')] }, [known]],
    [
      'one of each network',
      { net: [ip('10.20.0.21')], other: [ip('10.30.0.21')] },
      [known, { ...known, address: '10.30.0.21' }],
    ],
    [
      'a floating one',
      { net: [ip('203.0.113.4', { 'OS-EXT-IPS:type': 'floating' })] },
      [{ ...known, address: '203.0.113.4', kind: 'floating' }],
    ],
    ['one of no type', { net: [ip('10.20.0.21', { 'OS-EXT-IPS:type': undefined })] }, [known]],
    [
      'one in another spelling',
      { net: [ip('FD00:20:0::15', { 'OS-EXT-IPS-MAC:mac_addr': MAC.toUpperCase() })] },
      [{ ...known, address: 'fd00:20::15' }],
    ],
    [
      'one whose MAC address is none',
      { net: [ip('10.20.0.21', { 'OS-EXT-IPS-MAC:mac_addr': 'x' })] },
      [{ ...known, mac: null }],
    ],
    ['a network with none', { net: [] }, []],
    ['no list', undefined, undefined],
    ['null', null, undefined],
    ['a list for an object', [ip('10.20.0.21')], undefined],
    ['a network of another shape', { net: ip('10.20.0.21') }, undefined],
    ['an entry that is no address', { net: [ip('10.20.0.21'), ip('web-0')] }, undefined],
    ['an entry that is a range', { net: [ip('10.20.0.0/16')] }, undefined],
    ['an entry that is null', { net: [ip('10.20.0.21'), null] }, undefined],
    ['one of another type', { net: [ip('10.20.0.21', { 'OS-EXT-IPS:type': 'gateway' })] }, undefined],
  ])('are, of a list with %s, %j → %j', (_what, addresses, expected) => {
    expect(read(row({ addresses }))?.addresses).toEqual(expected);
  });

  it('are not known while the instance is built: Nova hides them then', () => {
    expect(read(row({ 'OS-EXT-STS:vm_state': 'building', status: 'BUILD' }))).toMatchObject({ state: 'live' });
    expect(read(row({ 'OS-EXT-STS:vm_state': 'building', status: 'BUILD' }))?.addresses).toBeUndefined();
  });
});

describe('a page of instances', () => {
  it('is read from an answer of the real Nova', () => {
    const { page, next } = readServers(sample('servers-detail-all'), TIME);
    const ids = ['ad5b2800-1185-44cc-8cd5-f43efd559e5a', 'c49156dc-9e2b-4591-8c2e-4570d7bfef19'];
    expect(page).toMatchObject({ instanceIds: ids, complete: true });
    expect(page.observations.map(({ instanceId, state }) => [instanceId, state])).toEqual(
      ids.map((id) => [id, 'live']),
    );
    expect(next).toBe(ids[1]);
  });

  it('is the last one without a link to the next', () => {
    expect(readServers({ servers: [row()] }, TIME).next).toBeNull();
    expect(
      readServers({ servers: [row()], servers_links: [{ rel: 'self', href: '?marker=x' }] }, TIME).next,
    ).toBeNull();
  });

  it('keeps the rows beside one that cannot be read', () => {
    const servers = [
      row({ id: 'a' }),
      null,
      row({ id: 'b', status: 'UNKNOWN' }),
      row({ id: 'c', tenant_id: 7 }),
      row({ id: 'd' }),
    ];
    const { page } = readServers({ servers }, TIME);
    expect(page).toMatchObject({ instanceIds: ['a', 'b', 'c', 'd'], complete: false });
    expect(page.observations.map(({ instanceId }) => instanceId)).toEqual(['a', 'd']);
  });

  it('has only the marker of the link to the next', () => {
    const href = 'http://elsewhere.example/v2.1/servers/detail?limit=5&marker=i-5&all_tenants=0';
    expect(readServers({ servers: [], servers_links: [{ rel: 'next', href }] }, TIME).next).toBe('i-5');
  });

  it.each([
    ['null', null],
    ['a list', []],
    ['without servers', {}],
    ['whose servers are an object', { servers: {} }],
    ['whose links are an object', { servers: [], servers_links: {} }],
    ['whose next link leads nowhere', { servers: [], servers_links: [{ rel: 'next' }] }],
    ['whose next link has no marker', { servers: [], servers_links: [{ rel: 'next', href: 'http://x/servers' }] }],
    ['whose marker is a path', { servers: [], servers_links: [{ rel: 'next', href: '?marker=../x' }] }],
  ])('%s is none', (_what, body) => {
    expect(() => readServers(body, TIME)).toThrow('What Compute answers cannot be read');
  });
});

describe('a 404 of Compute', () => {
  it('says that an instance is absent where it is Nova that says so, of this one', () => {
    const { itemNotFound } = sample('server-deleted');
    expect(saysAbsent({ itemNotFound }, ID)).toBe(true);
    expect(saysAbsent({ itemNotFound }, 'c49156dc-9e2b-4591-8c2e-4570d7bfef19')).toBe(false);
  });

  it.each([
    ['of a path', { itemNotFound: { code: 404, message: 'The resource could not be found.' } }],
    ['of another code', { itemNotFound: { code: 400, message: ID } }],
    ['of another name', { notFound: { code: 404, message: ID } }],
    ['without words', { itemNotFound: { code: 404, message: [ID] } }],
    ['of HTML', undefined],
  ])('says nothing %s', (_what, body) => {
    expect(saysAbsent(body, ID)).toBe(false);
  });
});

describe('the ports of an instance', () => {
  const attachment = (rest: object = {}) => ({
    net_id: 'net-1',
    port_id: 'port-1',
    mac_addr: MAC,
    port_state: 'ACTIVE',
    fixed_ips: [{ subnet_id: 's', ip_address: '10.20.0.21' }],
    ...rest,
  });
  const fixed = anAddress('10.20.0.21', { mac: MAC });
  const placed = (interfaceAttachments: unknown, address = fixed) =>
    withPlaces([address], readAttachments({ interfaceAttachments }))[0];
  const there = { ...fixed, network: 'net-1', port: 'port-1' };

  it('tell the network of an address', () => {
    expect(placed([attachment({ fixed_ips: null, mac_addr: 'fa:16:3e:00:00:99' }), attachment()])).toEqual(there);
  });

  it('are the same however they are spelled', () => {
    const spelled = attachment({ mac_addr: MAC.toUpperCase(), fixed_ips: [{ ip_address: 'FD00:20:0::15' }] });
    expect(placed([spelled], { ...fixed, address: 'fd00:20::15' })).toMatchObject({ network: 'net-1' });
  });

  it.each([
    ['of another MAC address', [attachment({ mac_addr: 'fa:16:3e:00:00:16' })]],
    ['of another address', [attachment({ fixed_ips: [{ ip_address: '10.20.0.22' }] })]],
    ['without addresses', [attachment({ fixed_ips: null })]],
    ['whose network is a path', [attachment({ net_id: '../x' })]],
    ['whose network is null', [attachment({ net_id: null })]],
    ['whose port is a number', [attachment({ port_id: 7 })]],
    ['that are null', [null]],
    ['that contradict each other', [attachment(), attachment({ net_id: 'net-2', port_id: 'port-2' })]],
    ['of which one cannot be read', [attachment(), attachment({ net_id: null })]],
  ])('tell nothing %s', (_what, attachments) => {
    expect(placed(attachments)).toEqual(fixed);
  });

  it('tell nothing of a floating address, or of one whose MAC address is not known', () => {
    expect(placed([attachment()], { ...fixed, kind: 'floating' })).toEqual({ ...fixed, kind: 'floating' });
    expect(placed([attachment({ mac_addr: null })], { ...fixed, mac: null })).toEqual({ ...fixed, mac: null });
  });

  it.each([[undefined], [{}], [{ interfaceAttachments: {} }]])('cannot be told from %j', (body) => {
    expect(() => readAttachments(body)).toThrow('What Compute answers cannot be read');
  });
});

describe('the services of Compute', () => {
  const service = (status: unknown) => ({ binary: 'nova-compute', host: 'h', status });
  it.each([
    [[service('enabled'), service('disabled')], true],
    [[service('enabled'), service('UNKNOWN')], false],
    [[service('enabled'), service(undefined)], false],
    [[service('enabled'), null], false],
    [[], false],
  ])('%j tell that every cell answers: %s', (services, expected) => {
    expect(cellsAnswer({ services })).toBe(expected);
  });

  it('cannot be told from something else', () => {
    expect(() => cellsAnswer({ services: 'all' })).toThrow('What Compute answers cannot be read');
  });
});
