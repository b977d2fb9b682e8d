import { readEvents } from '../../lib/openstack/notifications';
import { aVersioned, novaNotification } from '../support/nova-notifications';
import { refusal } from '../support/refusal';

const ARRIVAL = new Date('2026-11-23T14:30:00Z');
const created = () => novaNotification('documented/instance-create-end');

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
    expect(readEvents({ events: Array.from({ length: 1000 }, created) }, ARRIVAL).observations).toHaveLength(1000);
    expect(refusal(() => readEvents({ events: Array.from({ length: 1001 }, () => exists) }, ARRIVAL))).toContain(
      'at most 1000',
    );
  });

  it.each([
    ['names the first that cannot be read', [exists, created(), null, 7], 'events[2]: a notification is an object'],
    ['names the field of it', [aVersioned('update', { uuid: 7 })], 'events[0]: instance.update: "uuid" in its payload'],
    ['takes no list in a list', [{ events: [] }], 'events[0]: the notification has no "event_type".'],
    ['takes no envelope', [exists, { 'oslo.message': '{}' }], 'events[1]: this is the envelope of a message bus'],
    ['takes no object for the list', { 0: created() }, '"events" is not a list of notifications.'],
    ['takes no null for the list', null, '"events" is not a list of notifications.'],
  ])('%s', (_what, events, words) => {
    expect(refusal(() => readEvents({ events }, ARRIVAL))).toContain(words);
  });
});
