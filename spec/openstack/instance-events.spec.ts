import { type InstanceState, type KnownInstance, observe } from '../../lib/domain/instance';
import { readNotification } from '../../lib/openstack/notifications';
import { aLegacy, aVersioned, INSTANCE_ID } from '../support/nova-notifications';

const ARRIVAL = new Date('2026-11-23T14:30:00Z');
const BEFORE = new Date('2026-11-23T14:00:00Z');
const OLD = '10.20.0.19';
const NEW = '10.20.0.99';

/** What an event does to an instance that is let in by `OLD`, where it tells the list `NEW` if it tells one. */
type Effect =
  | 'stays' // let in by what was known
  | 'moves' // let in by the list that it tells
  | 'out' // nobody is let in; it may come back
  | 'ended' // nobody is let in, for good
  | 'nothing'; // it proves nothing: not even read

interface Row {
  readonly event: string;
  readonly state: string;
  readonly task?: string;
  /** In the versioned format, whose every message tells the addresses. */
  readonly versioned: Effect | null;
  /** In the legacy format; null: there is no such event. */
  readonly legacy: Effect | null;
  /** Whether the legacy message tells the addresses. */
  readonly legacyAddresses?: boolean;
  readonly why: string;
}

const EXISTS = 'it exists, so it keeps its access';
const BEGUN = 'its deletion has begun: Compute frees the address before it says that it is done';
const GONE = 'it is deleted';

/** Every event that Nova sends about instances (nova/notifications/objects/instance.py, nova/compute/manager.py). */
const EVENTS: readonly Row[] = [
  {
    event: 'create.start',
    state: 'building',
    versioned: 'moves',
    legacy: 'stays',
    why: 'its list is whole, if it has one',
  },
  {
    event: 'create.end',
    state: 'active',
    versioned: 'moves',
    legacy: 'moves',
    legacyAddresses: true,
    why: 'it is up, with these addresses',
  },
  {
    event: 'create.error',
    state: 'building',
    versioned: 'moves',
    legacy: 'stays',
    why: 'a failed instance exists until it is deleted',
  },
  {
    event: 'update',
    state: 'active',
    versioned: 'moves',
    legacy: 'stays',
    why: 'every event with a full list tells the addresses',
  },
  { event: 'update', state: 'building', task: 'scheduling', versioned: 'moves', legacy: 'stays', why: EXISTS },
  { event: 'update', state: 'error', versioned: 'moves', legacy: 'stays', why: EXISTS },
  {
    event: 'update',
    state: 'active',
    task: 'deleting',
    versioned: 'out',
    legacy: 'out',
    why: `${BEGUN}; it comes 75 ms before delete.start`,
  },
  {
    event: 'update',
    state: 'active',
    task: 'soft-deleting',
    versioned: 'out',
    legacy: 'out',
    why: 'it is being soft-deleted',
  },
  { event: 'update', state: 'soft-delete', versioned: 'out', legacy: 'out', why: 'it is soft-deleted' },
  { event: 'update', state: 'deleted', versioned: 'ended', legacy: 'ended', why: GONE },
  { event: 'delete.start', state: 'active', task: 'deleting', versioned: 'out', legacy: 'out', why: BEGUN },
  { event: 'delete.start', state: 'error', versioned: 'out', legacy: 'out', why: BEGUN },
  { event: 'delete.end', state: 'deleted', versioned: 'ended', legacy: 'ended', why: GONE },
  {
    event: 'delete.end',
    state: 'building',
    versioned: 'ended',
    legacy: 'ended',
    why: 'one that was never placed is deleted by the API',
  },
  {
    event: 'delete.end',
    state: 'soft-delete',
    versioned: 'ended',
    legacy: 'ended',
    why: 'one that is on no host is deleted at once, whatever its state says',
  },
  { event: 'delete.error', state: 'error', versioned: 'out', legacy: null, why: 'Compute is asked what became of it' },
  { event: 'force_delete.start', state: 'soft-delete', versioned: 'out', legacy: 'out', why: BEGUN },
  { event: 'force_delete.end', state: 'deleted', versioned: 'ended', legacy: 'ended', why: GONE },
  {
    event: 'soft_delete.start',
    state: 'active',
    task: 'soft-deleting',
    versioned: 'out',
    legacy: 'out',
    why: 'it is being soft-deleted',
  },
  {
    event: 'soft_delete.end',
    state: 'soft-delete',
    versioned: 'out',
    legacy: 'out',
    why: 'it is soft-deleted; its addresses are still told',
  },
  { event: 'restore.start', state: 'soft-delete', versioned: 'out', legacy: 'out', why: 'it is not restored yet' },
  { event: 'restore.end', state: 'active', versioned: 'moves', legacy: 'stays', why: 'it is back' },
  { event: 'shutdown.start', state: 'active', task: 'deleting', versioned: 'out', legacy: 'out', why: BEGUN },
  { event: 'shutdown.end', state: 'active', task: 'deleting', versioned: 'out', legacy: 'out', why: BEGUN },
  {
    event: 'shutdown.end',
    state: 'soft-delete',
    versioned: 'out',
    legacy: 'out',
    why: 'a forced deletion of what was soft-deleted',
  },
  {
    event: 'shutdown.start',
    state: 'active',
    task: 'rebuilding',
    versioned: 'moves',
    legacy: 'stays',
    why: 'it is shut down to be rebuilt',
  },
  {
    event: 'interface_attach.start',
    state: 'active',
    versioned: 'moves',
    legacy: null,
    why: 'its list is the present one',
  },
  { event: 'interface_attach.end', state: 'active', versioned: 'moves', legacy: null, why: 'it has another address' },
  {
    event: 'interface_attach.error',
    state: 'active',
    versioned: 'moves',
    legacy: null,
    why: 'its list is the present one',
  },
  {
    event: 'interface_detach.start',
    state: 'active',
    versioned: 'moves',
    legacy: null,
    why: 'its list is the present one',
  },
  { event: 'interface_detach.end', state: 'active', versioned: 'moves', legacy: null, why: 'an address is gone' },
  {
    event: 'exists',
    state: 'active',
    versioned: 'nothing',
    legacy: 'nothing',
    why: 'it is sent for deleted instances too',
  },
  {
    event: 'create_ip.end',
    state: 'active',
    versioned: null,
    legacy: 'moves',
    legacyAddresses: true,
    why: 'old clouds: an address more',
  },
  {
    event: 'delete_ip.end',
    state: 'active',
    versioned: null,
    legacy: 'moves',
    legacyAddresses: true,
    why: 'old clouds: an address less',
  },
  ...[
    'evacuate',
    'lock',
    'unlock',
    'live_migration_abort.start',
    'live_migration_abort.end',
    'live_migration_force_complete.start',
    'live_migration_force_complete.end',
    'live_migration_post.start',
    'live_migration_post.end',
    'live_migration_post_dest.start',
    'live_migration_post_dest.end',
    'live_migration_pre.start',
    'live_migration_pre.end',
    'live_migration_rollback.start',
    'live_migration_rollback.end',
    'live_migration_rollback_dest.start',
    'live_migration_rollback_dest.end',
  ].map((event): Row => ({ event, state: 'active', task: 'migrating', versioned: 'moves', legacy: null, why: EXISTS })),
  ...(
    [
      ['pause', 'active', 'paused'],
      ['unpause', 'paused', 'active'],
      ['power_off', 'active', 'stopped'],
      ['power_on', 'stopped', 'active'],
      ['reboot', 'active', 'active'],
      ['rescue', 'active', 'rescued'],
      ['unrescue', 'rescued', 'active'],
      ['suspend', 'active', 'suspended'],
      ['resume', 'suspended', 'active'],
      ['shelve', 'active', 'shelved'],
      ['shelve_offload', 'shelved', 'shelved_offloaded'],
      ['unshelve', 'shelved_offloaded', 'active'],
      ['snapshot', 'active', 'active'],
      ['trigger_crash_dump', 'active', 'active'],
      ['rebuild', 'active', 'active'],
    ] as const
  ).flatMap(([event, from, to]): readonly Row[] => [
    { event: `${event}.start`, state: from, versioned: 'moves', legacy: 'stays', why: EXISTS },
    { event: `${event}.end`, state: to, versioned: 'moves', legacy: 'stays', why: EXISTS },
  ]),
  ...(
    [
      ['resize_prep.start', 'active'],
      ['resize_prep.end', 'active'],
      ['resize.start', 'active'],
      ['resize.end', 'active'],
      ['resize.error', 'active'],
      ['resize_finish.start', 'active'],
      ['resize_finish.end', 'resized'],
      ['resize_confirm.start', 'resized'],
      ['resize_confirm.end', 'active'],
      ['resize_revert.start', 'resized'],
      ['resize_revert.end', 'active'],
      ['rebuild_scheduled', 'active'],
      ['volume_attach.start', 'active'],
      ['volume_attach.end', 'active'],
      ['volume_attach.error', 'active'],
      ['volume_detach.start', 'active'],
      ['volume_detach.end', 'active'],
      ['volume_swap.start', 'active'],
      ['volume_swap.end', 'active'],
      ['volume_swap.error', 'active'],
      ['share_attach.start', 'stopped'],
      ['share_attach.end', 'stopped'],
      ['share_detach.start', 'stopped'],
      ['share_detach.end', 'stopped'],
    ] as const
  ).map(([event, state]): Row => ({ event, state, versioned: 'moves', legacy: null, why: EXISTS })),
  ...(
    [
      ['resize.prep.start', 'active'],
      ['resize.prep.end', 'active'],
      ['resize.start', 'active'],
      ['resize.end', 'active'],
      ['finish_resize.start', 'active'],
      ['finish_resize.end', 'resized'],
      ['resize.confirm.start', 'resized'],
      ['resize.confirm.end', 'active'],
      ['resize.revert.start', 'resized'],
      ['resize.revert.end', 'active'],
      ['live_migration.pre.start', 'active'],
      ['live_migration.pre.end', 'active'],
      ['live_migration._post.start', 'active'],
      ['live_migration._post.end', 'active'],
      ['live_migration.post.dest.start', 'active'],
      ['live_migration.post.dest.end', 'active'],
      ['live_migration._rollback.start', 'active'],
      ['live_migration._rollback.end', 'active'],
      ['live_migration.rollback.dest.start', 'active'],
      ['live_migration.rollback.dest.end', 'active'],
      ['rebuild.scheduled', 'active'],
      ['volume.attach', 'active'],
      ['volume.detach', 'active'],
      ['evacuate', 'active'],
    ] as const
  ).map(([event, state]): Row => ({ event, state, versioned: null, legacy: 'stays', why: EXISTS })),
  ...(
    [
      ['resize.prep.end', 'active'],
      ['finish_resize.end', 'resized'],
      ['live_migration.post.dest.end', 'active'],
      ['rebuild.end', 'active'],
      ['rescue.end', 'rescued'],
    ] as const
  ).map(
    ([event, state]): Row => ({
      event,
      state,
      versioned: null,
      legacy: 'moves',
      legacyAddresses: true,
      why: 'it exists, with these addresses',
    }),
  ),
];

/** What is known of it before: live, by a notification. */
const known = (state: InstanceState = 'live'): KnownInstance => {
  const said = { time: BEFORE, source: 'notification' as const };
  const address = { address: OLD, kind: 'fixed' as const, network: null, port: null, mac: null };
  return {
    id: INSTANCE_ID,
    project: { ...said, value: 'alpha' },
    state: { ...said, value: state },
    addresses: { ...said, value: [address] },
    liveUntil: null,
  };
};

function effectOf(message: unknown): Effect {
  const observation = readNotification(message, ARRIVAL, 'notification');
  if (!observation) return 'nothing';
  const before = known(observation.restored ? 'suspended' : 'live');
  const after = observe(before, observation);
  switch (after.state?.value) {
    case 'gone':
      return 'ended';
    case 'suspended':
      return 'out';
    case 'live':
    case undefined:
      return String(after.addresses?.value.map(({ address }) => address)) === OLD ? 'stays' : 'moves';
  }
}

const named = ({ event, state, task = '', why }: Row) => `${event} ${state} ${task}`.trim().concat(`: ${why}`);

describe('the events that Nova sends about instances', () => {
  it.each(EVENTS.filter(({ versioned }) => versioned !== null).map((row) => [named(row), row] as const))(
    'versioned %s',
    (_name, { event, state, task, versioned }) => {
      const entry = { 'nova_object.data': { address: NEW, version: 4, mac: 'fa:16:3e:00:00:01', port_uuid: null } };
      expect(effectOf(aVersioned(event, { state, task_state: task ?? null, ip_addresses: [entry] }))).toBe(versioned);
    },
  );

  it.each(EVENTS.filter(({ legacy }) => legacy !== null).map((row) => [named(row), row] as const))(
    'legacy %s',
    (_name, { event, state, task, legacy, legacyAddresses }) => {
      const list = legacyAddresses ? { fixed_ips: [{ address: NEW, type: 'fixed', floating_ips: [] }] } : {};
      expect(effectOf(aLegacy(event, { state, state_description: task ?? '', ...list }))).toBe(legacy);
    },
  );

  it.each(EVENTS.filter(({ versioned }) => versioned === 'moves').map((row) => [named(row), row] as const))(
    'versioned %s: an empty list is none in interface_detach.end alone',
    (_name, { event, state, task }) => {
      const effect = effectOf(aVersioned(event, { state, task_state: task ?? null, ip_addresses: [] }));
      expect(effect).toBe(event === 'interface_detach.end' ? 'moves' : 'stays');
    },
  );
});
