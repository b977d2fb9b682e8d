import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { type KnownInstance, type Observation, observe } from '../../lib/domain/instance';
import { readNotification } from '../../lib/openstack/notifications';
import { capturedSequence, novaNotification } from '../support/nova-notifications';

const FIXTURES = join(__dirname, '../fixtures/nova');
const ARRIVAL = new Date('2026-11-23T14:30:00Z');
const INSTANCE = '2c62ffa2-dbc4-4299-92c6-5169173eda21';
const PROJECT = 'c735cd3225ff4a8d8610dbac82687363';
const BOTH = '10.20.0.19 fd00:20::13';

const read = (message: unknown) => readNotification(message, ARRIVAL, 'notification');
const addressesOf = ({ addresses }: Observation) => addresses?.map(({ address }) => address).join(' ') ?? 'unknown';
const summary = (message: unknown) => {
  const said = read(message);
  return said && [said.state, addressesOf(said)];
};

/** What each message of the captured sequence says, in its order. */
const SEQUENCE: readonly (readonly [state: string, addresses: string] | null)[] = [
  null, // scheduler.select_destinations, legacy with the user's token in it, and versioned
  null,
  null,
  null,
  ...Array.from({ length: 13 }, () => ['live', 'unknown'] as const), // being built: versioned ones have an empty list
  ['live', BOTH],
  ['live', 'unknown'],
  ['live', BOTH],
  ['live', BOTH],
  ['live', BOTH],
  ['live', BOTH],
  ['live', `${BOTH} 10.30.0.20`],
  ['live', `${BOTH} 10.30.0.20`],
  ['live', BOTH],
  ['suspended', 'unknown'],
  ['suspended', BOTH],
  ['suspended', 'unknown'],
  ['suspended', BOTH],
  ['suspended', 'unknown'],
  ['suspended', BOTH],
  ['suspended', 'unknown'],
  ['suspended', 'unknown'],
  ['gone', 'unknown'],
  ['gone', 'unknown'],
  ['gone', 'unknown'],
  ['gone', 'unknown'],
];

const captured = capturedSequence().map(({ message }, index) => ({
  message,
  line: readFileSync(join(FIXTURES, 'real/sequence.txt'), 'utf8').split('\n')[index]?.split(/ +/) ?? [],
  expected: SEQUENCE[index],
}));

describe('the notifications of one instance, as a real Nova sent them', () => {
  it.each(captured.map((each) => [each.line.slice(0, 3).join(' '), each] as const))(
    'reads %s',
    (_line, { message, line, expected }) => {
      const said = read(message);
      expect(said && [said.state, addressesOf(said)]).toEqual(expected);
      if (said === null) return;
      expect(said).toMatchObject({ instanceId: INSTANCE, project: PROJECT, source: 'notification' });
      expect(said.cause).toBe(message.event_type);
      expect(said.time.toISOString()).toBe(`2026-11-23T${line[0]}Z`);
    },
  );

  it('are all read', () => {
    expect(captured).toHaveLength(SEQUENCE.length);
  });

  it('let nobody in at the end, in any order and with any repeated', () => {
    const said = captured.map(({ message }) => read(message)).filter((each) => each !== null);
    const disordered = fc
      .tuple(fc.shuffledSubarray(said, { minLength: said.length }), fc.subarray(said))
      .map(([all, again]) => [...all, ...again]);
    fc.assert(
      fc.property(disordered, (observations) => {
        const known = observations.reduce<KnownInstance | null>(observe, null);
        expect(known).toMatchObject({ state: { value: 'gone' }, project: { value: PROJECT } });
      }),
    );
  });
});

describe('the files of notifications', () => {
  const files = readdirSync(join(FIXTURES, 'real')).filter((name) => name.endsWith('.json'));

  it.each(files)('real/%s is one of the sequence', (name) => {
    const message = novaNotification(`real/${name.replace('.json', '')}`);
    const { expected } = captured.find((each) => each.message.message_id === message.message_id) ?? {};
    expect(summary(message)).toEqual(expected);
  });

  it.each([
    ['instance-create-end', 'live', '192.168.1.3'],
    ['instance-interface_attach-end', 'live', '192.168.1.3 192.168.1.30'],
    ['instance-interface_detach-end', 'live', '192.168.1.3'],
    ['instance-delete-start', 'suspended', '192.168.1.3'],
    ['instance-delete-end', 'gone', 'unknown'],
    ['legacy-create-end', 'live', '10.20.0.17 203.0.113.40 fd00:20::11'],
    ['legacy-delete-start', 'suspended', 'unknown'],
    ['legacy-delete-end', 'gone', 'unknown'],
  ])('documented/%s says %s with %s', (name, state, addresses) => {
    expect(summary(novaNotification(`documented/${name}`))).toEqual([state, addresses]);
  });
});
