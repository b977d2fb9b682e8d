import { readNotification } from '../../lib/openstack/notifications';

const ARRIVAL = new Date('2026-11-23T14:30:00Z');
const ID = '178b0921-8f85-4257-88b6-2e743b5a975c';
const PORT = 'ce531f90-199f-48c0-816c-13e38010b442';

const ip = (address: unknown, port: unknown = PORT) => ({
  'nova_object.data': { address, port_uuid: port, label: 'n' },
});
const aVersioned = (event: string, data: object = {}, rest: object = {}) => ({
  event_type: `instance.${event}`,
  payload: { 'nova_object.data': { uuid: ID, tenant_id: 'alpha', state: 'active', task_state: null, ...data } },
  ...rest,
});
const aLegacy = (event: string, payload: object = {}) => ({
  event_type: `compute.instance.${event}`,
  payload: { instance_id: ID, tenant_id: 'alpha', state: 'active', state_description: '', ...payload },
});
const update = (state_update: object) => ({ state_update: { 'nova_object.data': state_update } });
const read = (message: unknown) => readNotification(message, ARRIVAL, 'events');

describe('the state that a notification tells', () => {
  it.each([
    ['create.start', { state: 'building' }, 'live'],
    ['create.error', { state: 'error' }, 'live'],
    ['update', { state: 'stopped' }, 'live'],
    ['update', { state: 'shelved_offloaded' }, 'live'],
    ['update', { state: 'active', ...update({ state: 'active', new_task_state: 'deleting' }) }, 'suspended'],
    ['update', { task_state: 'deleting' }, 'suspended'],
    ['update', { task_state: 'soft-deleting' }, 'suspended'],
    ['update', { state: 'soft-delete' }, 'suspended'],
    ['update', { state: 'error', ...update({ state: 'deleted' }) }, 'gone'],
    ['update', { state: 'deleted' }, 'gone'],
    ['update', { state: 'active', ...update({ old_task_state: 'deleting', state: 'active' }) }, 'live'],
    ['update', { state: 'active', deleted_at: '2026-11-23T14:23:12Z' }, 'live'],
    ['update', { state: 'a state of a Nova to come' }, undefined],
    ['update', { state: null }, undefined],
    ['delete.start', {}, 'suspended'],
    ['delete.error', { state: 'error' }, 'suspended'],
    ['delete.end', { state: 'deleted' }, 'gone'],
    ['delete.end', { state: 'active' }, 'gone'],
    ['delete.start', { state: null }, 'suspended'],
    ['force_delete.start', { state: 'soft-delete' }, 'suspended'],
    ['force_delete.end', { state: 'soft-delete' }, 'gone'],
    ['soft_delete.start', {}, 'suspended'],
    ['soft_delete.end', { state: 'soft-delete', deleted_at: '2026-11-23T14:23:12Z' }, 'suspended'],
    ['shutdown.start', { task_state: 'deleting' }, 'suspended'],
    ['shutdown.start', { state: 'building', task_state: 'spawning' }, 'live'],
    ['restore.start', { state: 'soft-delete', task_state: 'restoring' }, 'suspended'],
    ['restore.end', { task_state: 'deleting' }, 'suspended'],
    ['power_off.end', { state: 'stopped' }, 'live'],
    ['live_migration_post_dest.end', {}, 'live'],
    ['an_event_of_a_nova_to_come.error', { state: 'paused' }, 'live'],
  ])('%s with %j is %s', (event, data, state) => {
    expect(read(aVersioned(event, data))).toMatchObject({ instanceId: ID, project: 'alpha' });
    expect(read(aVersioned(event, data))?.state).toBe(state);
    expect(read(aVersioned(event, data))?.restored).toBeUndefined();
  });

  it('is live again at the end of a restoration', () => {
    expect(read(aVersioned('restore.end'))).toMatchObject({ state: 'live', restored: true });
    expect(read(aLegacy('restore.end'))).toMatchObject({ state: 'live', restored: true });
  });

  it.each([
    ['update', { new_task_state: 'deleting' }, 'suspended'],
    ['update', { state_description: 'soft-deleting' }, 'suspended'],
    ['update', { old_task_state: 'deleting', new_task_state: null }, 'live'],
    ['shutdown.start', { state_description: 'deleting' }, 'suspended'],
    ['force_delete.start', {}, 'suspended'],
    ['delete.end', { state: 'deleted' }, 'gone'],
    ['resize.prep.start', {}, 'live'],
  ])('of the legacy %s with %j is %s', (event, payload, state) => {
    expect(read(aLegacy(event, payload))?.state).toBe(state);
  });
});

describe('the addresses that a notification tells', () => {
  const known = (address: string) => ({ address, kind: 'fixed', network: null, port: PORT });

  it.each([
    ['one', [ip('10.20.0.19')], [known('10.20.0.19')]],
    ['one in another spelling', [ip('FD00:20:0::0013')], [known('fd00:20::13')]],
    ['none', [], undefined],
    ['no list', undefined, undefined],
    ['null', null, undefined],
    ['text', '10.20.0.19', undefined],
    ['one that is no address', [ip('10.20.0.19'), ip('web-0')], undefined],
    ['a range', [ip('10.20.0.0/16')], undefined],
    ['a number', [ip(169)], undefined],
    ['an entry of another shape', [ip('10.20.0.19'), { address: '10.20.0.20' }], undefined],
    ['an entry that is null', [null], undefined],
  ])('are, of a list with %s, %j → %j', (_what, ip_addresses, addresses) => {
    expect(read(aVersioned('update', { ip_addresses }))?.addresses).toEqual(addresses);
  });

  it('are none after the last interface is detached', () => {
    expect(read(aVersioned('interface_detach.end', { ip_addresses: [] }))?.addresses).toEqual([]);
    expect(read(aVersioned('interface_detach.start', { ip_addresses: [] }))?.addresses).toBeUndefined();
  });

  it('have no port where it is none that can be stored', () => {
    const [address] = read(aVersioned('update', { ip_addresses: [ip('10.20.0.19', 'x'.repeat(65))] }))?.addresses ?? [];
    expect(address).toEqual({ ...known('10.20.0.19'), port: null });
  });

  const fixed = { address: '10.20.0.17', type: 'fixed' };
  it.each([
    ['a floating one', [{ ...fixed, floating_ips: [{ address: '203.0.113.40' }] }], ['fixed', 'floating']],
    ['no list of floating ones', [fixed], ['fixed']],
    ['a floating one that is no address', [{ ...fixed, floating_ips: [{ address: '?' }] }], undefined],
    ['floating ones that are no list', [{ ...fixed, floating_ips: {} }], undefined],
    ['one of another type', [{ ...fixed, type: 'gateway' }], undefined],
  ])('are, of a legacy list with %s, of the kinds %j → %j', (_what, fixed_ips, kinds) => {
    expect(read(aLegacy('create.end', { fixed_ips }))?.addresses?.map(({ kind }) => kind)).toEqual(kinds);
  });

  it('never have a network: Nova tells its label alone, which tenants choose', () => {
    const list = [{ ...fixed, label: '9a3bae03-c819-4f7c-a1c6-17ba24c6ac96' }];
    expect(read(aLegacy('create.end', { fixed_ips: list }))?.addresses).toMatchObject([{ network: null }]);
  });
});

describe('the time of a notification', () => {
  it.each([
    ['2026-11-23 14:23:08.132585', '2026-11-23T14:23:08.132Z'],
    ['2026-11-23 14:23:08', '2026-11-23T14:23:08.000Z'],
    ['2026-11-23T14:23:08.1Z', '2026-11-23T14:23:08.100Z'],
    ['2026-11-23T15:23:08+01:00', '2026-11-23T14:23:08.000Z'],
    ['2026-11-23 14:35:00.000000', '2026-11-23T14:35:00.000Z'],
    ['2012-10-29 13:42:11.000000', '2012-10-29T13:42:11.000Z'],
  ])('%s is %s', (timestamp, time) => {
    expect(read(aVersioned('update', {}, { timestamp }))?.time.toISOString()).toBe(time);
  });

  it.each([
    ['2026-11-23 14:35:00.001'], // more than five minutes ahead
    ['2026-02-30 14:23:08'],
    ['2026-11-23 24:00:00'],
    ['2026-11-23'],
    ['yesterday'],
    ['2026-11-23T14:23:08+99:99'],
    [''],
    [1_795_443_788],
    [null],
    [undefined],
  ])('%s is its arrival', (timestamp) => {
    expect(read(aVersioned('update', {}, { timestamp }))?.time).toEqual(ARRIVAL);
  });
});
