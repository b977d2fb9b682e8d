import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { parseSize } from '../../lib/domain/size';
import { createDriver } from '../../lib/drivers';
import { METADATA } from '../../lib/drivers/manila/share';
import { type Driver, TerminalError, type Volume } from '../../lib/ports/driver';
import { thisProcess } from '../../lib/process-identity';
import { aVolume, describeDriver } from '../drivers/contract';
import { CloudSession } from '../support/cloud-session';
import { eventually } from '../support/eventually';
import { type RealManila, startManila } from '../support/real-manila';

const { signal } = new AbortController();
/** A spec's own data on a share: that it is the same share all the time stands for what it holds, as the dummy driver holds nothing. */
const DATA = 'data';
/** Small, since each rule takes Manila a third of a second. */
const MAX_RULES = 8;
const PATIENCE_MILLISECONDS = 120_000;

interface Seen {
  readonly id: string;
  readonly size: number;
  readonly status: string;
  readonly metadata: Readonly<Record<string, string>>;
}

let manila: RealManila;
let locks: string;
beforeAll(async () => {
  manila = await startManila();
  locks = await mkdtemp(path.join(tmpdir(), 'nova-shared-filesystem-e2e-'));
}, 300_000);
afterAll(async () => {
  await manila?.stop();
  if (locks) await rm(locks, { recursive: true });
}, PATIENCE_MILLISECONDS);

const password = { username: 'alice', password: 'alice-password', projectName: 'alpha' };

/** Each spec has a backend of its own, so each begins without shares. */
function driverOf(backend: string, auth: object = password): Driver {
  const { shareUrl: url, identityUrl } = manila;
  return createDriver(
    {
      name: backend,
      driver: 'manila',
      url,
      shareType: 'default',
      maxRules: MAX_RULES,
      locks,
      auth: { url: identityUrl, ...auth },
    },
    { process: thisProcess() },
  );
}

async function sharesOf(id: string): Promise<readonly Seen[]> {
  const query = new URLSearchParams({ metadata: JSON.stringify({ [METADATA.id]: id }) });
  return ((await manila.ask('GET', `/shares/detail?${query.toString()}`)) as { shares: Seen[] }).shares;
}

async function rulesOf(share: string): Promise<readonly { access_to: string; access_type: string; state: string }[]> {
  const { access_list } = (await manila.ask('GET', `/share-access-rules?share_id=${share}`)) as {
    access_list: { access_to: string; access_type: string; state: string }[];
  };
  return access_list;
}

const newBackend = () => `b-${randomUUID()}`;

describeDriver('manila, the real one with its dummy driver', async () => {
  const backend = newBackend();
  const markerPath = async () => {
    const query = new URLSearchParams({ name: `nova-shared-filesystem backend ${backend}` });
    const { security_services: markers } = (await manila.ask('GET', `/security-services?${query.toString()}`)) as {
      security_services: { id: string }[];
    };
    return `/security-services/${markers[0]?.id}`;
  };
  const rename = (marker: string, name: string) => manila.ask('PUT', marker, { security_service: { name } });
  return {
    driver: driverOf(backend),
    another: () => driverOf(backend),
    ofAnotherService: true,
    listGoesWithVolume: true,
    unmount: async () => {
      const marker = await markerPath();
      await rename(marker, 'away');
      return async () => {
        await rename(marker, `nova-shared-filesystem backend ${backend}`);
      };
    },
    removeVolume: async (id) => {
      for (const share of await sharesOf(id)) await manila.ask('DELETE', `/shares/${share.id}`);
      await eventually(async () => ((await sharesOf(id)).length > 0 ? 'the share is there' : null));
    },
    write: async (id) => {
      const [share] = await sharesOf(id);
      await manila.ask('POST', `/shares/${share?.id}/metadata`, { metadata: { [DATA]: 'written' } });
    },
    files: async (id) => {
      const [share] = await sharesOf(id);
      if (share?.metadata[METADATA.state] !== 'in-service') return null;
      return share.metadata[DATA] === undefined ? [] : [DATA];
    },
    hasData: async (id) => (await sharesOf(id)).length > 0,
    // all of this Manila ends with the last spec
    tearDown: async () => undefined,
  };
});

describe('a share of the real Manila', () => {
  let driver: Driver;
  let volume: Volume;
  let share: string;
  beforeEach(async () => {
    driver = driverOf(newBackend());
    volume = aVolume();
    await driver.ensure(volume, true, signal);
    share = (await sharesOf(volume.id))[0]?.id ?? '';
  });

  const sync = (addresses: readonly string[], revision: bigint, mayGrant = true) =>
    driver.syncAccess(volume, { addresses, revision }, mayGrant, signal);
  const active = async () =>
    (await rulesOf(share)).filter(({ state }) => state === 'active').map(({ access_to }) => access_to);
  const range = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, index) => `10.0.0.${from + index}`);

  it('has one rule for a run of addresses, and never one address more', async () => {
    await sync(range(0, 12), 1n);
    expect((await active()).toSorted()).toEqual(['10.0.0.0/29', '10.0.0.12', '10.0.0.8/30']);
  });

  it('keeps letting in whoever stays, while a block of rules is taken apart', async () => {
    await sync(range(0, 7), 1n);
    const stays = range(0, 4).concat(range(6, 7));
    let done = false;
    const change = sync([...stays, '10.0.0.99'], 2n).finally(() => {
      done = true;
    });
    let looks = 0;
    while (!done) {
      const covering = new Set((await active()).flatMap(addressesOf));
      // the one who comes is let in only when the one who goes is out
      if (covering.has('10.0.0.99')) expect(covering).not.toContain('10.0.0.5');
      expect([...covering]).toEqual(expect.arrayContaining(stays));
      looks += 1;
    }
    await change;
    expect(looks).toBeGreaterThan(1);
    expect((await active()).toSorted()).toEqual(['10.0.0.0/30', '10.0.0.4', '10.0.0.6/31', '10.0.0.99']);
  });

  it('loses rules that others have made, and tells of those that are none of ours', async () => {
    await sync(['10.0.0.1'], 1n);
    const allow = (rule: object) => manila.ask('POST', `/shares/${share}/action`, { allow_access: rule });
    await allow({ access_type: 'ip', access_to: '10.9.0.0/16', access_level: 'rw' });
    await allow({ access_type: 'ip', access_to: '10.0.0.2', access_level: 'ro' });
    await sync(['10.0.0.1', '10.0.0.2'], 2n);
    expect((await active()).toSorted()).toEqual(['10.0.0.1', '10.0.0.2']);
    // the dummy driver refuses users on NFS: the rule is in error
    await allow({ access_type: 'user', access_to: 'alice', access_level: 'rw' });
    await eventually(async () => {
      const states = (await rulesOf(share)).map(({ state }) => state).filter((each) => each !== 'active');
      return states.join() === 'error' ? null : states.join();
    });
    await sync(['10.0.0.1'], 3n);
    expect(await driver.readAccess(volume, signal)).toEqual(['10.0.0.1', 'user alice in error']);
  });

  it('lets in as many as there is room for, and takes away from a full list', async () => {
    const scattered = Array.from({ length: MAX_RULES + 2 }, (_, index) => `10.0.${index}.1`);
    const { refused } = await sync(scattered, 1n);
    expect([...refused.keys()]).toEqual(scattered.slice(MAX_RULES));
    await sync(scattered.slice(1), 2n, false);
    expect((await active()).length).toBe(MAX_RULES - 1);
  });

  it('is made in whole GiB, grows and shrinks, and stays as it is where the quota ends', async () => {
    const sizeNow = async () => (await sharesOf(volume.id))[0]?.size;
    for (const [size, gigabytes] of [
      ['1500Mb', 2],
      ['5Gb', 5],
      ['1Mb', 1],
    ] as const) {
      await driver.ensure({ ...volume, size: parseSize(size) }, false, signal);
      expect(await sizeNow()).toBe(gigabytes);
    }
    await expect(driver.ensure({ ...volume, size: parseSize('101Gb') }, false, signal)).rejects.toThrow(TerminalError);
    expect(await sizeNow()).toBe(1);
    await expect(driver.ensure(aVolume({ size: parseSize('1Tb') }), true, signal)).rejects.toThrow(TerminalError);
  });

  it('is found again after a crash that left it half made', async () => {
    const [before] = await sharesOf(volume.id);
    await manila.ask('POST', `/shares/${share}/metadata`, { metadata: { [METADATA.state]: 'creating' } });
    await driver.ensure(volume, true, signal);
    expect((await sharesOf(volume.id)).map(({ id }) => id)).toEqual([before?.id]);
  });

  it('is not mistaken for that of another project', async () => {
    const backend = newBackend();
    const metadata = { [METADATA.id]: randomUUID(), [METADATA.backend]: backend, [METADATA.state]: 'in-service' };
    const foreign = { size: 1, share_proto: 'NFS', share_type: 'default', metadata };
    await manila.askAsStranger('POST', '/shares', { share: foreign });
    expect(await driverOf(backend).volumes(signal)).toEqual([]);
    const own = aVolume({ id: metadata[METADATA.id] });
    await driverOf(backend).ensure(own, true, signal);
    expect(await sharesOf(own.id)).toHaveLength(1);
  });
});

describe('the service user of the real Manila', () => {
  it('may be an application credential', async () => {
    const session = new CloudSession(manila.identityUrl);
    const token = await session.tokenOf('alice', 'alpha');
    const users = (await session.ask('GET', `${manila.identityUrl}/users?name=alice`)) as { users: { id: string }[] };
    const url = `${manila.identityUrl}/users/${users.users[0]?.id}/application_credentials`;
    const body = { application_credential: { name: randomUUID(), roles: [{ name: 'member' }, { name: 'reader' }] } };
    const { application_credential: made } = (await session.ask('POST', url, body, token)) as {
      application_credential: { id: string; secret: string };
    };
    const auth = { applicationCredentialId: made.id, applicationCredentialSecret: made.secret };
    const driver = driverOf(newBackend(), auth);
    expect(await driver.check(signal)).toBeNull();
    const volume = aVolume();
    await driver.ensure(volume, true, signal);
    expect((await driver.volumes(signal)).map(({ id }) => id)).toEqual([volume.id]);
  });

  it('is told when its password is wrong, without it', async () => {
    const driver = driverOf(newBackend(), { ...password, password: 'no-such-password' });
    const refusal = await driver.check(signal).catch((error: unknown) => String(error));
    expect(refusal).toContain('Keystone does not accept the credentials (401)');
    expect(refusal).not.toContain('no-such-password');
  });

  it('needs no more than role member: a reader makes nothing', async () => {
    const driver = driverOf(newBackend(), { username: 'ron', password: 'ron-password', projectName: 'alpha' });
    const volume = aVolume();
    await expect(driver.ensure(volume, true, signal)).rejects.toThrow('403');
    expect(await sharesOf(volume.id)).toEqual([]);
  });
});

/** Of a block of at most 256 addresses of 10.0.0.0/16. */
function addressesOf(block: string): readonly string[] {
  const [address = '', prefix = '32'] = block.split('/');
  const at = address.lastIndexOf('.') + 1;
  const first = Number(address.slice(at));
  return Array.from({ length: 2 ** (32 - Number(prefix)) }, (_, index) => `${address.slice(0, at)}${first + index}`);
}
