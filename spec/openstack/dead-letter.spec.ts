import { deadLetterBody, factsOf } from '../../lib/openstack/dead-letter';

describe('deadLetterBody', () => {
  it('is JSON with what may be told, and no more', () => {
    const message = { event_type: 'instance.update', payload: { token: 'secret' }, _context_auth_token: 'secret' };
    const facts = factsOf(message, 'notifications.info', 1234);
    const time = new Date('2026-11-23T14:30:00Z');
    const body = deadLetterBody({ ...facts, kind: 'wrong-payload', reason: 'its payload is no object', time });
    expect(JSON.parse(body.toString())).toEqual({
      kind: 'wrong-payload',
      reason: 'its payload is no object',
      event_type: 'instance.update',
      routing_key: 'notifications.info',
      size: 1234,
      keys: ['event_type', 'payload', '_context_auth_token'],
      time: '2026-11-23T14:30:00.000Z',
    });
  });
});
