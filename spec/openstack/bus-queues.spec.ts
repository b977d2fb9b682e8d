import { routingKeys } from '../../lib/openstack/bus-queues';

const TOPICS = { versioned: 'v', legacy: 'l' };

describe('routingKeys', () => {
  it.each([
    ['versioned', ['v.info', 'v.error'], ['l.info', 'l.error']],
    ['legacy', ['l.info', 'l.error'], ['v.info', 'v.error']],
    ['both', ['v.info', 'v.error', 'l.info', 'l.error'], []],
  ] as const)('of %s are %j, and no more %j', (formats, bound, unbound) => {
    expect(routingKeys(TOPICS, formats)).toEqual({ bound, unbound });
  });

  it('stay bound when both formats have one topic', () => {
    expect(routingKeys({ versioned: 't', legacy: 't' }, 'legacy')).toEqual({
      bound: ['t.info', 't.error'],
      unbound: [],
    });
  });
});
