import * as fc from 'fast-check';
import { Client } from 'pg';
import { compareAddresses, contains, parseAddress } from '../../lib/domain/address';
import { type FreshDatabase, freshDatabase } from '../support/database';

/** Addresses in spellings that sources use, with many zeros, which are what the short forms are about. */
const group = fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.nat(0xffff));
const ipv6 = fc
  .tuple(fc.array(group, { minLength: 8, maxLength: 8 }), fc.boolean(), fc.boolean())
  .map(([groups, padded, upper]) => {
    const text = groups.map((each) => each.toString(16).padStart(padded ? 4 : 1, '0')).join(':');
    return upper ? text.toUpperCase() : text;
  });
/** Of the ranges that are written with dots behind. */
const embedded = fc
  .tuple(fc.constantFrom('::', '::ffff:', '::ffff:0:', '64:ff9b::'), fc.ipV4())
  .map((parts) => parts.join(''));
const spellings = fc.array(fc.oneof(fc.ipV4(), fc.ipV6(), ipv6, embedded), { minLength: 1, maxLength: 50 });

/** Canonical ones. */
const addresses = spellings.map((all) => all.map(parseAddress).filter((address) => address !== null));

describe('addresses, as Postgres reads and writes them', () => {
  let database: FreshDatabase;
  let client: Client;

  beforeAll(async () => {
    database = await freshDatabase();
    client = new Client({ connectionString: database.url });
    await client.connect();
  });
  afterAll(async () => {
    await client.end();
    await database.drop();
  });

  const column = async (sql: string, ...values: readonly unknown[]): Promise<readonly unknown[]> =>
    (await client.query<unknown[]>({ text: sql, values: [...values], rowMode: 'array' })).rows.map(([value]) => value);

  it('have the same canonical text', async () => {
    await fc.assert(
      fc.asyncProperty(spellings, async (inputs) => {
        const theirs = await column(
          'select host(a::inet) from unnest($1::text[]) with ordinality as t (a, n) order by n',
          inputs,
        );
        expect(inputs.map(parseAddress)).toEqual(theirs);
      }),
    );
  });

  it('have the same order', async () => {
    await fc.assert(
      fc.asyncProperty(addresses, async (all) => {
        const theirs = await column('select host(a) from unnest($1::inet[]) as t (a) order by a', all);
        expect(all.toSorted(compareAddresses)).toEqual(theirs);
      }),
    );
  });

  it('are in the same networks', async () => {
    const networks = ['10.0.0.0/8', '0.0.0.0/0', '10.20.0.19/32', '::/0', '::/96', 'fd00:20::/64', '::ffff:0:0/96'];
    await fc.assert(
      fc.asyncProperty(addresses, fc.constantFrom(...networks), async (all, cidr) => {
        const theirs = await column(
          'select a <<= $2::inet from unnest($1::inet[]) with ordinality as t (a, n) order by n',
          all,
          cidr,
        );
        expect(all.map((address) => contains(cidr, address))).toEqual(theirs);
      }),
    );
  });
});
