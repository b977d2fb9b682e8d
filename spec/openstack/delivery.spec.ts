import * as fc from 'fast-check';
import { parseAddress } from '../../lib/domain/address';
import { readDelivery } from '../../lib/openstack/delivery';
import { enveloped, wireMessages } from '../support/bus-messages';
import { aLegacy, aVersioned, capturedSequence, INSTANCE_ID } from '../support/nova-notifications';

const ARRIVAL = new Date('2026-11-23T14:30:00Z');
const KEY = 'versioned_notifications.info';
const SECRET = 'token-of-the-user';
const take = (body: unknown, routingKey = KEY) =>
  readDelivery(Buffer.isBuffer(body) ? body : enveloped(body), routingKey, ARRIVAL);
const ips = (...addresses: readonly unknown[]) =>
  addresses.map((address) => ({ 'nova_object.data': { address, port_uuid: INSTANCE_ID } }));
const created = (...addresses: readonly unknown[]) => aVersioned('create.end', { ip_addresses: ips(...addresses) });
const createdLegacy = (...addresses: readonly unknown[]) =>
  aLegacy('create.end', { fixed_ips: addresses.map((address) => ({ address, type: 'fixed' })) });

describe('a message as a real Nova sent it', () => {
  const expected = [
    ['instance.create.end', 'live', ['192.168.1.3']],
    ['compute.instance.create.end', 'live', ['10.20.0.17', '203.0.113.40', 'fd00:20::11']],
    ['instance.delete.end', 'gone', undefined],
    ['instance.create.error', 'live', undefined],
  ];

  it.each(['messaging', 'messagingv2'] as const)('is read, by the driver %s', (driver) => {
    const said = wireMessages(driver).map(({ body, routingKey }) => {
      const { observed, letter } = take(body, routingKey);
      expect(letter).toBeNull();
      expect(observed?.facts).toMatchObject({ routingKey, size: body.length });
      return observed?.observation;
    });
    expect(said.map((each) => [each?.cause, each?.state, each?.addresses?.map(({ address }) => address)])).toEqual(
      expected,
    );
    expect(said.every((each) => each?.source === 'notification')).toBe(true);
  });

  it('is passed over when it is of no interest, with the token in it', () => {
    const scheduler = capturedSequence().slice(0, 4);
    expect(JSON.stringify(scheduler)).toContain(SECRET);
    for (const { message, routingKey } of scheduler)
      expect(take(message, routingKey)).toEqual({ observed: null, letter: null });
  });
});

describe('a message that cannot be read', () => {
  const context = { _context_auth_token: SECRET, [`${SECRET} as a key`]: 1 };
  it.each([
    ['no JSON', Buffer.from(`{"${SECRET}`), 'not-json', null, null],
    ['bytes', Buffer.from([0xff, 0xfe, 0x00, 0x80]), 'not-json', null, null],
    ['nothing', Buffer.alloc(0), 'not-json', null, null],
    ['a list', Buffer.from(`["${SECRET}"]`), 'wrong-envelope', null, null],
    [
      'an envelope of another version',
      Buffer.from(JSON.stringify({ 'oslo.version': '3.0', 'oslo.message': `{"a":"${SECRET}"}` })),
      'wrong-envelope',
      null,
      ['oslo.version', 'oslo.message'],
    ],
    ['no event type', { ...context }, 'wrong-payload', null, ['_context_auth_token', '?']],
    ['an event type of another type', { event_type: { a: SECRET } }, 'wrong-payload', null, ['event_type']],
    ['one that no notification has', { event_type: `instance.${SECRET} x` }, 'wrong-payload', null, ['event_type']],
    ['one with a line break', { event_type: 'instance.update\n' }, 'wrong-payload', null, ['event_type']],
    [
      'no payload',
      { event_type: 'instance.update', ...context },
      'wrong-payload',
      'instance.update',
      ['event_type', '_context_auth_token', '?'],
    ],
    ['no id', aVersioned('update', { uuid: null }), 'wrong-payload', 'instance.update', ['event_type', 'payload']],
    [
      'an id of another type',
      aVersioned('update', { uuid: [SECRET] }),
      'wrong-payload',
      'instance.update',
      ['event_type', 'payload'],
    ],
    [
      'an id with a line break',
      aVersioned('update', { uuid: 'i\n1' }),
      'wrong-payload',
      'instance.update',
      ['event_type', 'payload'],
    ],
    [
      'a wrong project',
      aLegacy('update', { tenant_id: `${SECRET}/` }),
      'wrong-payload',
      'compute.instance.update',
      ['event_type', 'payload'],
    ],
  ])('such as %s is described without its body', (_what, body, kind, eventType, keys) => {
    const { observed, letter } = take(body);
    expect(observed).toBeNull();
    expect(letter).toMatchObject({ kind, eventType, routingKey: KEY, time: ARRIVAL });
    expect(letter?.keys).toEqual(keys);
    expect(JSON.stringify(letter)).not.toContain(SECRET);
  });

  it('such as one of more than 8 MiB is not looked into', () => {
    const most = Buffer.alloc(8 * 1024 * 1024, ' ');
    most.write('{"event_type":"x"}');
    expect(take(most)).toEqual({ observed: null, letter: null });
    const { letter } = take(Buffer.concat([most, Buffer.from(' ')]));
    expect(letter).toMatchObject({ kind: 'too-large', size: 8 * 1024 * 1024 + 1, keys: null, eventType: null });
  });

  it('is described in few words, however many keys it has and however long they are', () => {
    const keys = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`${'k'.repeat(99)}${index}`, 1]));
    const { letter } = take({ ...keys, event_type: 'instance.update' }, `${'r'.repeat(100)}\n`);
    expect(JSON.stringify(letter).length).toBeLessThan(1_000);
    expect(letter).toMatchObject({ routingKey: '?', eventType: 'instance.update' });
  });

  it('never throws, whatever it is', () => {
    const anything = fc.oneof(
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      fc.json().map((text) => Buffer.from(text)),
      fc.anything().map((value) => enveloped(value)),
      fc.dictionary(
        fc.constantFrom('event_type', 'payload', 'timestamp', 'oslo.version', 'oslo.message'),
        fc.jsonValue(),
      ),
    );
    fc.assert(
      fc.property(anything, (body) => {
        const { observed, letter } = take(body);
        expect(observed === null || letter === null).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('an address that a message brings', () => {
  const HOSTILE = [
    '*',
    '0.0.0.0/0',
    '::/0',
    '10.0.0.0/8',
    '@netgroup',
    'filer',
    'example.org',
    '10.0.0.5(rw,no_root_squash)',
    '10.0.0.5 10.0.0.6',
    '10.0.0.5\n*(rw)',
    '10.0.0.5\u0000',
    ' 10.0.0.5',
    '10.0.0.5,10.0.0.6',
    '10.0.0.05',
    '010.0.0.5',
    '0x0a000005',
    '167772165',
    '10.5',
    'fe80::1%eth0',
    '[::1]',
    '10.0.0.*',
    '#',
    '',
    7,
    null,
    true,
    [],
    ['10.0.0.5'],
    { address: '10.0.0.5' },
  ];

  it.each(HOSTILE)('never gets through when it is %j: none of its list does, and it is described', (hostile) => {
    for (const message of [created('10.0.0.7', hostile), created(hostile), createdLegacy(hostile, '10.0.0.7')]) {
      const { observed, letter } = take(message);
      expect(observed?.observation).toMatchObject({ instanceId: INSTANCE_ID, state: 'live' });
      expect(observed?.observation.addresses).toBeUndefined();
      expect(letter).toMatchObject({ kind: 'wrong-address', eventType: message.event_type });
    }
  });

  it('gets through when it is one, in the canonical form', () => {
    const { observed, letter } = take(created('10.0.0.7', 'FD00:20:0::0013'));
    expect(observed?.observation.addresses?.map(({ address }) => address)).toEqual(['10.0.0.7', 'fd00:20::13']);
    expect(letter).toBeNull();
  });

  it.each([
    ['none', aVersioned('create.end')],
    ['null', aVersioned('create.end', { ip_addresses: null })],
    ['an empty one', aVersioned('create.end', { ip_addresses: [] })],
    ['an empty one', aLegacy('create.end', { fixed_ips: [] })],
  ])('is not missed when the list is %s', (_what, message) => {
    expect(take(message)).toMatchObject({ observed: { observation: { addresses: undefined } }, letter: null });
  });

  it.each([['text'], [{}], [7]])('is missed when the list is %j', (list) => {
    expect(take(aVersioned('create.end', { ip_addresses: list })).letter).toMatchObject({ kind: 'wrong-address' });
  });

  it('is canonical, whatever was sent', () => {
    const address = fc.oneof(fc.constantFrom(...HOSTILE), fc.ipV4(), fc.ipV6(), fc.string(), fc.jsonValue());
    fc.assert(
      fc.property(fc.array(address, { maxLength: 3 }), fc.boolean(), (list, isLegacy) => {
        const { observed, letter } = take(isLegacy ? createdLegacy(...list) : created(...list));
        const known = observed?.observation.addresses;
        for (const each of known ?? []) expect(parseAddress(each.address)).toBe(each.address);
        expect(known?.length ?? list.length).toBe(list.length);
        expect(letter === null).toBe(known !== undefined || list.length === 0);
      }),
      { numRuns: 1000 },
    );
  });
});
