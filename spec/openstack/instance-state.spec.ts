import { readNotification } from '../../lib/openstack/notifications';
import { aLegacy, aVersioned, INSTANCE_ID } from '../support/nova-notifications';

const ARRIVAL = new Date('2026-11-23T14:30:00Z');
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
    expect(read(aVersioned(event, data))).toMatchObject({ instanceId: INSTANCE_ID, project: 'alpha' });
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
