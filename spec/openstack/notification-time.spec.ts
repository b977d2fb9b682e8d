import { readNotification } from '../../lib/openstack/notifications';
import { aVersioned } from '../support/nova-notifications';

const ARRIVAL = new Date('2026-11-23T14:30:00Z');
const read = (message: unknown) => readNotification(message, ARRIVAL, 'events');

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
