import { mkdtemp, rm } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import * as fc from 'fast-check';
import { coverExactly, singleAddresses } from '../../../lib/domain/address-cover';
import type { Driver, Volume } from '../../../lib/ports/driver';
import { impatientManila } from '../../support/manila-options';
import { ManilaStandIn } from '../../support/manila-stand-in';
import { aVolume } from '../contract';

const { signal } = new AbortController();

let manila: ManilaStandIn;
let locks: string;
let driver: Driver;
let volume: Volume;
let revision: bigint;
beforeEach(async () => {
  manila = new ManilaStandIn();
  manila.lag = 0;
  await manila.start();
  locks = await mkdtemp(path.join(tmpdir(), 'nova-shared-filesystem-spec-'));
  driver = impatientManila(manila, locks, { bridge: 300, purge: 60_000 });
  volume = aVolume();
  revision = 0n;
  await driver.ensure(volume, true, signal);
});
afterEach(async () => {
  await manila.stop();
  await rm(locks, { recursive: true });
});

/** Once. @returns what it failed with, null: nothing */
const sync = async (addresses: readonly string[], mayGrant = true): Promise<unknown> => {
  revision += 1n;
  return driver.syncAccess(volume, { addresses, revision }, mayGrant, signal).then(
    () => null,
    (error: unknown) => error,
  );
};
const letIn = () => singleAddresses(manila.rules.map(({ access_to }) => access_to)).addresses;
const whole = () => {
  manila.refuses = () => null;
  manila.hanging.clear();
};
/** A 200 that says nothing of a rule. */
const nonsense = (_: unknown, response: ServerResponse) => {
  response.writeHead(200).end('{}');
  return 'answered' as const;
};

describe.each([true, false])('a withdrawal from a block, granting: %s', (mayGrant) => {
  beforeEach(async () => {
    expect(await sync(['10.0.0.0', '10.0.0.1'])).toBeNull();
    expect(manila.rules.map(({ access_to }) => access_to)).toEqual(['10.0.0.0/31']);
  });

  it.each<[string, () => void]>([
    ['is refused', () => (manila.refuses = (verb) => (verb === 'allow_access' ? 400 : null))],
    ['is forbidden', () => (manila.refuses = (verb) => (verb === 'allow_access' ? 403 : null))],
    ['is beyond a quota', () => (manila.refuses = (verb) => (verb === 'allow_access' ? 413 : null))],
    ['fails', () => (manila.refuses = (verb) => (verb === 'allow_access' ? 500 : null))],
    ['needs another version', () => (manila.refuses = (verb) => (verb === 'allow_access' ? 406 : null))],
    ['is never applied', () => manila.hanging.add('10.0.0.1')],
    ['cannot be applied', () => manila.poison.add('10.0.0.1')],
    ['is not answered', () => manila.once('POST', /action$/, () => 'lost')],
    ['is answered with nonsense', () => manila.once('POST', /action$/, nonsense)],
  ])('does not wait for the rule of who stays, which %s', async (_, arrange) => {
    arrange();
    await sync(['10.0.0.1'], mayGrant);
    expect(letIn()).not.toContain('10.0.0.0');
    manila.poison.clear();
    whole();
    expect(await sync(['10.0.0.1'])).toBeNull();
    expect(letIn()).toEqual(['10.0.0.1']);
  });

  it('does not wait for a rule that is not answered at all, and is to be repeated', async () => {
    let hanging: ServerResponse | undefined;
    manila.once('POST', /action$/, (_, response) => {
      hanging = response;
      return 'answered';
    });
    expect(String(await sync(['10.0.0.1'], mayGrant))).toContain('in time');
    expect(letIn()).toEqual(['10.0.0.1']);
    expect(hanging?.writableEnded).toBe(false);
  });

  it('lets in those who come all the same, and is to be repeated', async () => {
    manila.refuses = (verb, to) => (verb === 'allow_access' && to === '10.0.0.1' ? 500 : null);
    expect(String(await sync(['10.0.0.1', '10.0.9.1'], mayGrant))).toContain('500');
    expect(letIn()).toEqual(mayGrant ? ['10.0.9.1'] : []);
  });
});

it('a withdrawal of all goes as far as it can: one that is not done keeps in nobody else', async () => {
  const all = [1, 3, 5, 7, 9, 11, 13].map((each) => `10.0.0.${each}`);
  expect(await sync(all)).toBeNull();
  manila.refuses = (verb, to) => (verb === 'deny_access' && to === '10.0.0.3' ? 400 : null);
  expect(String(await sync([], false))).toContain('Manila answers 400');
  expect(letIn()).toEqual(['10.0.0.3']);
});

it('the end of a filesystem goes as far as it can, too', async () => {
  expect(await sync([1, 3, 5, 7, 9, 11].map((each) => `10.0.0.${each}`))).toBeNull();
  manila.refuses = (verb, to) => (verb === 'deny_access' && to === '10.0.0.1' ? 500 : null);
  await expect(driver.retire(volume, signal)).rejects.toThrow('500');
  expect(letIn()).toEqual(['10.0.0.1']);
});

it('a rule that fails, allowed or denied, holds up no other', async () => {
  const some = fc.uniqueArray(
    fc.integer({ min: 0, max: 24 }).map((each) => `10.0.0.${each}`),
    { maxLength: 25 },
  );
  const status = fc.constantFrom(400, 403, 409, 500, 503);
  await fc.assert(
    fc.asyncProperty(
      some,
      some,
      some,
      some,
      status,
      fc.boolean(),
      async (old, list, badAllows, badDenies, code, mayGrant) => {
        whole();
        manila.rules = [];
        expect(await sync(old)).toBeNull();
        const was = new Set(letIn());
        const before = manila.rules.map(({ access_to }) => access_to);
        const bad = { allow_access: new Set(badAllows), deny_access: new Set(badDenies) };
        const fails = (verb: 'allow_access' | 'deny_access', to: string) => bad[verb].has(to.replace(/\/.*/, ''));
        manila.refuses = (verb, to) => (fails(verb, to) ? code : null);
        const error = await sync(list, mayGrant);

        const wish = mayGrant ? list : list.filter((each) => was.has(each));
        const going = before.filter((each) => singleAddresses([each]).addresses.some((one) => !wish.includes(one)));
        const stuck = going.filter((each) => fails('deny_access', each));
        const kept = singleAddresses(stuck).addresses;
        // whoever goes has gone, but for the rules that cannot be taken away
        expect(letIn().filter((each) => !wish.includes(each) && !kept.includes(each))).toEqual([]);
        // and nobody comes before that
        const isHeld = stuck.length > 0;
        expect(isHeld && error === null).toBe(false);
        expect(letIn().filter((each) => isHeld && !was.has(each))).toEqual([]);
        // whoever comes or stays is let in, but for the rules that cannot be allowed
        const granted = coverExactly(wish).filter((each) => !isHeld && !fails('allow_access', each));
        expect(letIn()).toEqual(expect.arrayContaining([...singleAddresses(granted).addresses]));
        expect(badAllows.length + badDenies.length === 0 && error !== null).toBe(false);
        whole();
        expect(await sync(wish)).toBeNull();
        expect(letIn()).toEqual(singleAddresses(wish).addresses);
      },
    ),
    { numRuns: 40 },
  );
}, 60_000);
