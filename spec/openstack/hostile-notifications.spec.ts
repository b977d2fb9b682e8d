import { readNotification } from '../../lib/openstack/notifications';
import { novaNotification } from '../support/nova-notifications';
import { refusal } from '../support/refusal';

const ARRIVAL = new Date('2026-11-23T14:30:00Z');
const read = (message: unknown) => readNotification(message, ARRIVAL, 'notification');
const created = () => novaNotification('documented/instance-create-end');

const deep = (): unknown => JSON.parse(`${'[{"payload":'.repeat(2000)}1${'}]'.repeat(2000)}`);
const withData = (data: object) => ({
  event_type: 'instance.update',
  payload: { 'nova_object.data': { uuid: 'i-1', tenant_id: 'alpha', state: 'active', ...data } },
});

describe('a notification that cannot be read', () => {
  it.each([
    ['null', null, 'a notification is an object'],
    ['a list', [created()], 'a notification is an object'],
    ['text', 'instance.create.end', 'a notification is an object'],
    ['an empty object', {}, 'has no "event_type"'],
    ['an event type that is a number', { event_type: 7 }, 'has no "event_type"'],
    ['an event type that is inherited', Object.create(created()), 'has no "event_type"'],
    ['one in a key called __proto__', JSON.parse('{"__proto__":{"event_type":"instance.update"}}'), 'no "event_type"'],
    ['an event type of another alphabet', { event_type: 'instance.create\n.end' }, 'is none of an instance'],
    ['an endless event type', { event_type: `instance.${'a'.repeat(1e6)}` }, 'is none of an instance'],
    ['no payload', { event_type: 'instance.update' }, 'instance.update: its payload has no "nova_object.data".'],
    ['a payload that is a list', { event_type: 'compute.instance.update', payload: [] }, 'its payload is no object'],
    ['a payload of the other format', { ...created(), event_type: 'compute.instance.update' }, '"instance_id" in its'],
    ['deep nesting', { event_type: 'instance.update', payload: deep() }, 'no "nova_object.data"'],
    ['no id', withData({ uuid: undefined }), '"uuid" in its payload is no instance id'],
    ['an id that is a number', withData({ uuid: 7 }), '"uuid" in its payload is no instance id'],
    ['an id that is a path', withData({ uuid: '../i-1' }), '"uuid" in its payload is no instance id'],
    ['an endless id', withData({ uuid: 'a'.repeat(1e6) }), '"uuid" in its payload is no instance id'],
    ['a project that is a list', withData({ tenant_id: ['alpha'] }), '"tenant_id" in its payload is not text'],
    ['a project that is a path', withData({ tenant_id: 'a/b' }), '"tenant_id" in its payload is no project id'],
    ['a state that is an object', withData({ state: {} }), '"state" in its payload is not text'],
    ['an update of another shape', withData({ state_update: 'deleted' }), '"state_update" in its payload'],
    [
      'a payload of an unknown version',
      { event_type: 'instance.create.end', payload: { 'nova_object.version': '3.0', 'nova_object.data': {} } },
      'of a version that is not known',
    ],
    ['the envelope of a bus', { 'oslo.version': '2.0', 'oslo.message': '{}' }, 'send what its "oslo.message" holds'],
  ])('such as %s is refused in words', (_what, message, words) => {
    expect(refusal(() => read(message))).toContain(words);
  });
});

describe('a notification that is not about an instance', () => {
  it.each([
    ['scheduler.select_destinations.start'],
    ['compute_task.build_instances.error'],
    ['instance_group.create'],
    ['compute.exception'],
    ['__proto__'],
    ['instance.exists'],
    ['compute.instance.exists'],
  ])('such as %s is passed over before its payload is looked at', (event_type) => {
    const payload = new Proxy(
      {},
      {
        get: () => {
          throw new Error('looked at');
        },
      },
    );
    expect(read({ event_type, payload })).toBeNull();
  });
});
