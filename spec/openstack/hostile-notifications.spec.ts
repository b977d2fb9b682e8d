import * as fc from 'fast-check';
import { parseAddress } from '../../lib/domain/address';
import { InvalidInput } from '../../lib/domain/errors';
import { isInstanceId, isProjectId } from '../../lib/domain/name';
import { readEvents, readNotification } from '../../lib/openstack/notifications';
import { capturedSequence, novaNotification } from '../support/nova-notifications';

const ARRIVAL = new Date('2026-11-23T14:30:00Z');
const read = (message: unknown) => readNotification(message, ARRIVAL, 'notification');
const created = () => novaNotification('documented/instance-create-end');

/** The words of what `action` throws, which must be for people. */
function refusal(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof InvalidInput) return error.message;
    throw error;
  }
  throw new Error('it was read');
}

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

describe('readEvents', () => {
  const exists = { event_type: 'instance.exists' };

  it('reads one notification as it stands', () => {
    expect(readEvents(created(), ARRIVAL).observations).toMatchObject([{ source: 'events', state: 'live' }]);
    expect(readEvents(exists, ARRIVAL).observations).toEqual([]);
  });

  it('reads a list of both formats, and leaves out what says nothing', () => {
    const events = [created(), exists, novaNotification('documented/legacy-delete-end')];
    expect(readEvents({ events }, ARRIVAL).observations).toMatchObject([{ state: 'live' }, { state: 'gone' }]);
    expect(readEvents({ events: [] }, ARRIVAL).observations).toEqual([]);
  });

  it('takes 1,000 and refuses one more', () => {
    expect(readEvents({ events: Array(1000).fill(created()) }, ARRIVAL).observations).toHaveLength(1000);
    expect(refusal(() => readEvents({ events: Array(1001).fill(exists) }, ARRIVAL))).toContain('at most 1000');
  });

  it.each([
    ['names the first that cannot be read', [exists, created(), null, 7], 'events[2]: a notification is an object'],
    ['names the field of it', [withData({ uuid: 7 })], 'events[0]: instance.update: "uuid" in its payload'],
    ['takes no list in a list', [{ events: [] }], 'events[0]: the notification has no "event_type".'],
    ['takes no envelope', [exists, { 'oslo.message': '{}' }], 'events[1]: this is the envelope of a message bus'],
    ['takes no object for the list', { 0: created() }, '"events" is not a list of notifications.'],
    ['takes no null for the list', null, '"events" is not a list of notifications.'],
  ])('%s', (_what, events, words) => {
    expect(refusal(() => readEvents({ events }, ARRIVAL))).toContain(words);
  });
});

describe('whatever is sent', () => {
  const SECRET = 'token of the user';
  const hostile = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom<unknown>(SECRET, null, [], {}, [[]], 7, 'deleted', '::ffff:10.0.0.1', '10.0.0.1/8', `__proto__`),
  );

  /** A captured notification with one value replaced, however deep it lies. */
  const spoiled = fc
    .tuple(fc.constantFrom(...capturedSequence().map(({ message }) => JSON.stringify(message))), fc.nat(200), hostile)
    .map(([text, position, value]): unknown => {
      let left = position;
      return JSON.parse(text, (_key, present) => (left-- === 0 ? value : present));
    });

  /** The observations, or the error that it was refused with. */
  const outcome = (body: unknown) => {
    try {
      return { observations: readEvents(body, ARRIVAL).observations, error: null };
    } catch (error) {
      return { observations: [], error };
    }
  };
  const bodies = fc.oneof(spoiled, fc.anything(), fc.record({ events: fc.array(spoiled) }));

  it('is read or refused in words of ours', () => {
    fc.assert(
      fc.property(bodies, (body) => {
        const { error } = outcome(body);
        expect(error === null || error instanceof InvalidInput).toBe(true);
        expect(String(error)).not.toContain(SECRET);
        expect(String(error).length).toBeLessThan(300);
      }),
      { numRuns: 1000 },
    );
  });

  it('yields only what the directory can hold', () => {
    fc.assert(
      fc.property(bodies, (body) => {
        for (const { instanceId, project, addresses = [], time, cause } of outcome(body).observations) {
          expect(isInstanceId(instanceId) && (project === undefined || isProjectId(project))).toBe(true);
          expect(addresses.map(({ address }) => parseAddress(address))).toEqual(addresses.map((a) => a.address));
          expect(time.getTime() - ARRIVAL.getTime()).toBeLessThanOrEqual(5 * 60_000);
          expect(cause).toMatch(/^(compute\.)?instance\.[a-z0-9_.]+$/i);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
