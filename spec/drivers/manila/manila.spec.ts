import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { parseSize } from '../../../lib/domain/size';
import { createDriver } from '../../../lib/drivers';
import { METADATA } from '../../../lib/drivers/manila/share';
import { type Driver, NewerRevision, TerminalError, type Volume } from '../../../lib/ports/driver';
import { thisProcess } from '../../../lib/process-identity';
import { impatientManila, manilaOptions } from '../../support/manila-options';
import { ManilaStandIn } from '../../support/manila-stand-in';
import { aVolume } from '../contract';

const { signal } = new AbortController();
const IDENTITY = '0f8a1c52-6d1e-4f0a-9b6c-3d2e1f0a9b8c';

let manila: ManilaStandIn;
let locks: string;
let driver: Driver;
let volume: Volume;
beforeEach(async () => {
  manila = new ManilaStandIn();
  await manila.start();
  locks = await mkdtemp(path.join(tmpdir(), 'nova-shared-filesystem-spec-'));
  driver = make();
  volume = aVolume();
});
afterEach(async () => {
  await manila.stop();
  await rm(locks, { recursive: true });
});

const make = (more: Record<string, unknown> = {}) =>
  createDriver(manilaOptions(manila, locks, more), { process: thisProcess() });
const sync = (addresses: readonly string[], revision = 1n, mayGrant = true) =>
  driver.syncAccess(volume, { addresses, revision }, mayGrant, signal);
const share = () => {
  const found = [...manila.shares.values()].find(({ metadata }) => metadata[METADATA.id] === volume.id);
  if (!found) throw new Error('the stand-in has no share of the volume');
  return found;
};
const active = () => manila.active(share().id);
const failure = (work: Promise<unknown>) =>
  work.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: unknown) => error,
  );
const served = async () => {
  await driver.ensure(volume, true, signal);
  manila.history.length = 0;
};

describe('access rules of a share', () => {
  beforeEach(served);

  it('of which one fails are tried apart: that one alone is refused, and nothing of it remains', async () => {
    manila.poison.add('10.0.3.1');
    const addresses = ['10.0.1.1', '10.0.2.1', '10.0.3.1', '10.0.4.1', '10.0.5.1'];
    const { refused } = await sync(addresses);
    expect([...refused.keys()]).toEqual(['10.0.3.1']);
    expect(active().toSorted()).toEqual(['10.0.1.1', '10.0.2.1', '10.0.4.1', '10.0.5.1']);
    expect(manila.rules.filter(({ state }) => state === 'error')).toEqual([]);
    manila.poison.clear();
    expect((await sync(addresses)).refused.size).toBe(0);
  });

  it('that Manila refuses at once are told with its words', async () => {
    manila.once('POST', /action$/, refuse(400, 'ip address is not valid'));
    const { refused } = await sync(['10.0.1.1']);
    expect(refused.get('10.0.1.1')).toContain('ip address is not valid');
  });

  it('are swapped in this order: a bridge, the withdrawal, the grant', async () => {
    await sync(['10.0.0.0', '10.0.0.1']);
    manila.history.length = 0;
    await sync(['10.0.0.1', '10.0.0.9'], 2n);
    expect(manila.history).toEqual([['10.0.0.0/31', '10.0.0.1'], ['10.0.0.1'], ['10.0.0.1', '10.0.0.9']]);
  });

  it('let in nobody else as long as one cannot be taken away, which is tried again', async () => {
    await sync(['10.0.0.1']);
    manila.sticky.add('10.0.0.1');
    expect(await failure(sync(['10.0.0.2'], 2n))).not.toBeInstanceOf(TerminalError);
    expect(active()).toEqual([]);
    expect(await driver.readAccess(volume, signal)).toEqual(['ip 10.0.0.1 in error']);
    manila.sticky.clear();
    await sync(['10.0.0.2'], 2n);
    expect(await driver.readAccess(volume, signal)).toEqual(['10.0.0.2']);
  });

  it('that can be taken away go, whichever Manila does not give up with them', async () => {
    await sync(['10.0.1.1', '10.0.2.1', '10.0.3.1', '10.0.4.1', '10.0.5.1']);
    manila.sticky.add('10.0.2.1');
    expect(String(await failure(sync([], 2n, false)))).toContain('10.0.2.1');
    expect(manila.rules.map(({ access_to }) => access_to)).toEqual(['10.0.2.1']);
  });

  it('are not said to let in anybody as long as Manila has only queued them', async () => {
    manila.addRule(share().id, 'ip', '10.0.0.1', 'rw', 'queued_to_apply');
    manila.hanging.add('10.0.0.1');
    const { refused } = await sync(['10.0.0.1']);
    expect(refused.get('10.0.0.1')).toContain('has not applied');
  });

  it('that others have made go, and those that are for users are told and left alone', async () => {
    const { id } = share();
    manila.addRule(id, 'ip', '0.0.0.0/0');
    manila.addRule(id, 'ip', '10.0.0.1', 'ro');
    manila.addRule(id, 'user', 'alice');
    expect(await driver.readAccess(volume, signal)).toEqual(['ip 0.0.0.0/0', 'ip 10.0.0.1 ro', 'user alice']);
    await sync(['10.0.0.1']);
    expect(await driver.readAccess(volume, signal)).toEqual(['10.0.0.1', 'user alice']);
  });

  it('of whatever type end when it is retired', async () => {
    await sync(['10.0.0.1']);
    manila.addRule(share().id, 'user', 'alice');
    await driver.retire(volume, signal);
    expect(manila.rules).toEqual([]);
  });

  it('are at most so many, and a full list can still be cut down', async () => {
    driver = make({ maxRules: 2 });
    const { refused } = await sync(['10.0.1.1', '10.0.2.0', '10.0.2.1', '10.0.4.1']);
    expect([...refused]).toEqual([['10.0.4.1', 'There is no room for it: a share has at most 2 access rules.']]);
    await sync(['10.0.2.1', '10.0.4.1'], 2n, false);
    expect(active()).toEqual(['10.0.2.1']);
  });

  it('are waited for as long as the call may take', async () => {
    manila.lag = Number.MAX_SAFE_INTEGER;
    const attempt = new AbortController();
    manila.once('GET', /share-access-rules$/, () => {
      manila.once('GET', /share-access-rules$/, () => {
        attempt.abort(new Error('the time is over'));
        return 'none';
      });
      return 'none';
    });
    const list = { addresses: ['10.0.0.1'], revision: 1n };
    await expect(driver.syncAccess(volume, list, true, attempt.signal)).rejects.toThrow('the time is over');
  });

  it('of a share that is in error are not changed: an administrator is asked for', async () => {
    share().status = 'error';
    const error = await failure(sync(['10.0.0.1']));
    expect(String(error)).toContain('An administrator of Manila');
    expect(error).not.toBeInstanceOf(TerminalError);
  });

  it('stay as they are when a newer list comes in between', async () => {
    manila.once('POST', /action$/, () => {
      share().metadata[METADATA.revision] = '9';
      return 'none';
    });
    const error = await failure(sync(['10.0.0.1']));
    expect(error).toBeInstanceOf(NewerRevision);
    expect(error).toMatchObject({ revision: 9n });
  });

  it('are put right when an older list comes in between', async () => {
    manila.once('POST', /action$/, () => {
      share().metadata[METADATA.revision] = '3';
      manila.addRule(share().id, 'ip', '10.0.0.3');
      return 'none';
    });
    await sync(['10.0.0.1'], 5n);
    expect(active()).toEqual(['10.0.0.1']);
    expect(share().metadata[METADATA.revision]).toBe('5');
  });

  it.each(['9'.repeat(19), '1e3', '-1', ''])(
    'have a revision that is damaged, %j: it is written anew',
    async (damaged) => {
      share().metadata[METADATA.revision] = damaged;
      await sync(['10.0.0.1']);
      expect(share().metadata[METADATA.revision]).toBe('1');
    },
  );

  it('can have a revision that is longer than any that would be read', async () => {
    await sync(['10.0.0.1'], 10n ** 18n);
    expect(share().metadata[METADATA.revision]).toBe(String(10n ** 18n));
  });
});

describe('a share', () => {
  it('is found by its metadata after a crash behind the request, not made twice', async () => {
    manila.once('POST', /shares$/, () => 'lost');
    await failure(driver.ensure(volume, true, signal));
    const location = await make().ensure(volume, true, signal);
    expect(manila.shares.size).toBe(1);
    expect(location).toMatch(/^10\.0\.0\.10:/); // the preferred one
  });

  it('is the older one where a crash has left two, and the other is left alone', async () => {
    const metadata = { [METADATA.id]: volume.id, [METADATA.backend]: 'shares' };
    const [older, younger] = [manila.addShare({ metadata: { ...metadata } }), manila.addShare({ metadata })];
    await driver.ensure(volume, true, signal);
    await sync(['10.0.0.1']);
    expect(manila.active(older.id)).toEqual(['10.0.0.1']);
    await driver.retire(volume, signal);
    await driver.purge(volume, signal);
    expect([...manila.shares.keys()]).toEqual([younger.id]);
  });

  it('is not that of another project, of another backend, or without our metadata', async () => {
    const metadata = { [METADATA.id]: volume.id, [METADATA.backend]: 'shares' };
    manila.addShare({ metadata, project_id: 'another' });
    manila.addShare({ metadata: { ...metadata, [METADATA.backend]: 'others' } });
    manila.addShare({ name: `nova-shared-filesystem ${volume.name}` });
    expect(await driver.volumes(signal)).toEqual([]);
    await driver.ensure(volume, true, signal);
    expect(manila.shares.size).toBe(4);
  });

  it('that Manila cannot make is deleted, and made anew by the next attempt', async () => {
    manila.cannotCreate = true;
    const error = await failure(driver.ensure(volume, true, signal));
    expect(String(error)).toContain('could not make the share');
    expect(error).not.toBeInstanceOf(TerminalError);
    manila.cannotCreate = false;
    await driver.ensure(volume, true, signal);
    expect([...manila.shares.values()].map(({ status }) => status)).toEqual(['available']);
  });

  it('in error that was in service is never deleted', async () => {
    await served();
    share().status = 'error';
    await failure(driver.ensure(volume, false, signal));
    expect(share().status).toBe('error');
  });

  it.each([
    ['1Mb', 1],
    ['1Gb', 1],
    ['1025Mb', 2],
    ['3Gb', 3],
  ])('of %s has %i GiB', async (size, gigabytes) => {
    await driver.ensure({ ...volume, size: parseSize(size) }, true, signal);
    expect(share().size).toBe(gigabytes);
    expect(await driver.record(volume.id, signal)).toMatchObject({ size });
  });

  it('keeps its size when it holds more than the new one, and the owner is told', async () => {
    volume = aVolume({ size: parseSize('5Gb') });
    await served();
    manila.used.set(share().id, 3);
    const smaller = { ...volume, size: parseSize('2Gb') };
    await expect(driver.ensure(smaller, false, signal)).rejects.toThrow(TerminalError);
    expect([share().size, share().status]).toEqual([5, 'available']);
  });

  it('beyond the quota is refused for good, new or grown', async () => {
    const large = parseSize('1Tb');
    await expect(driver.ensure({ ...volume, size: large }, true, signal)).rejects.toThrow(TerminalError);
    expect(manila.shares.size).toBe(0);
    await served();
    await expect(driver.ensure({ ...volume, size: large }, false, signal)).rejects.toThrow(TerminalError);
    expect(share().size).toBe(1);
  });

  it('is listed with all others, however small the pages are', async () => {
    manila.largestPage = 2;
    const ids = Array.from({ length: 5 }, () => randomUUID());
    for (const id of ids) manila.addShare({ metadata: { [METADATA.id]: id, [METADATA.backend]: 'shares' } });
    expect((await driver.volumes(signal)).map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
  });

  it('has no status for a moment at its end, and an old size with a new status', async () => {
    await served();
    const resized = share();
    manila.once('GET', /shares\/[0-9a-f]{8}-/, (_, response) =>
      send(response, 200, JSON.stringify({ share: { ...resized, status: 'available' } }), 'application/json'),
    );
    manila.lag = 0;
    await driver.ensure({ ...volume, size: parseSize('2Gb') }, false, signal);
    expect(share().size).toBe(2);
    await driver.retire(volume, signal);
    manila.once('GET', /shares\/[0-9a-f]{8}-/, (_, response) =>
      send(response, 200, JSON.stringify({ share: { ...resized, status: null } }), 'application/json'),
    );
    await driver.purge(volume, signal);
    expect(manila.shares.size).toBe(0);
  });

  it('that Manila does not delete is told, and tried again', async () => {
    await served();
    await driver.retire(volume, signal);
    manila.once('DELETE', /shares/, refuse(403, 'Share still has 1 dependent snapshots.'));
    expect(String(await failure(driver.purge(volume, signal)))).toContain('dependent snapshots');
    manila.once('GET', /shares\/[0-9a-f]{8}-/, () => {
      share().status = 'error_deleting';
      share().next = null;
      return 'none';
    });
    expect(String(await failure(driver.purge(volume, signal)))).toContain('error_deleting');
    await driver.purge(volume, signal);
    expect(manila.shares.size).toBe(0);
  });

  it('that Manila never ends deleting is not waited for until it does: others are, and it is looked at again', async () => {
    driver = impatientManila(manila, locks, { bridge: 10_000, purge: 50 });
    await served();
    await driver.retire(volume, signal);
    manila.lag = Number.MAX_SAFE_INTEGER;
    for (const _ of [1, 2]) {
      const error = await failure(driver.purge(volume, signal));
      expect(String(error)).toContain('still deleting');
      expect(error).not.toBeInstanceOf(TerminalError);
    }
    expect(manila.requests.filter((each) => each.startsWith('DELETE'))).toHaveLength(1);
    manila.shares.delete(share().id);
    await driver.purge(volume, signal);
  });
});

describe('the marker in Manila', () => {
  it('is of one backend: two that are written at once are one', async () => {
    const [one, other] = [randomUUID(), randomUUID()];
    const results = await Promise.allSettled([driver.mark(one, signal), make().mark(other, signal)]);
    const marker = await driver.check(signal);
    expect([one, other]).toContain(marker);
    expect(manila.markers).toHaveLength(1);
    expect(results.map(({ status }) => status)).toEqual(
      [one, other].map((each) => (each === marker ? 'fulfilled' : 'rejected')),
    );
  });

  it('is another one for another backend of the project', async () => {
    await driver.mark(IDENTITY, signal);
    expect(await make({ name: 'others' }).check(signal)).toBeNull();
  });
});

describe('Manila', () => {
  it('is asked with a new token when the old one is not accepted any more, once for all who wait', async () => {
    await driver.check(signal);
    manila.tokens.clear();
    await Promise.all([driver.check(signal), driver.check(signal), driver.volumes(signal)]);
    expect(manila.logins).toHaveLength(2);
  });

  it('that accepts no token at all is told, and the token is not', async () => {
    for (const _ of [1, 2]) manila.once('GET', /types$/, refuse(401, 'no'));
    const error = String(await failure(driver.check(signal)));
    expect(error).toContain('401');
    for (const token of manila.tokens) expect(error).not.toContain(token);
  });

  it.each([
    ['no JSON', 'text/html', '<html>'],
    ['null', 'application/json', 'null'],
    ['a list', 'application/json', '[]'],
    ['no shares', 'application/json', '{}'],
    ['shares that are none', 'application/json', '{"shares": {"0": 1}}'],
    ['a share that is null', 'application/json', '{"shares": [null]}'],
    ['a share without a status', 'application/json', `{"shares": [{"id": "${IDENTITY}", "size": 1}]}`],
    ['an id that is a path', 'application/json', aShare({ id: '../types' })],
    ['a size that is none', 'application/json', aShare({ size: '1; drop' })],
    ['metadata that is a list', 'application/json', aShare({ metadata: [1] })],
  ])('that answers with %s is never believed: nothing is made, and nothing is lost', async (_, type, body) => {
    for (const mayCreate of [true, false]) {
      manila.once('GET', /detail$/, (__, response) => send(response, 200, body, type));
      const error = await failure(driver.ensure(volume, mayCreate, signal));
      expect(error).toEqual(new Error('What Manila answers cannot be read: "url" may be that of something else.'));
    }
    expect(manila.requests.filter((each) => each === 'POST /v2/shares')).toEqual([]);
  });

  it.each([500, 503, 404, 403])('that answers %i is asked again later', async (status) => {
    manila.once('GET', /detail$/, (_, response) => send(response, status, 'Bad\u0000 gateway', 'text/plain'));
    const error = await failure(driver.ensure(volume, false, signal));
    expect(String(error)).toContain(`Manila answers ${status}`);
    expect(error).not.toBeInstanceOf(TerminalError);
  });

  it('that is not there, or breaks off, is asked again later', async () => {
    manila.once('GET', /types$/, () => 'lost');
    await driver.check(signal); // what only reads is asked for again at once
    for (const _ of [1, 2]) manila.once('GET', /types$/, () => 'lost');
    expect(String(await failure(driver.check(signal)))).toContain('Manila is out of reach');
  });

  it('that redirects is not followed: the token goes nowhere else', async () => {
    manila.once('GET', /types$/, (_, response) => {
      response.writeHead(302, { Location: `${manila.url}/v2/elsewhere` }).end();
      return 'answered';
    });
    expect(String(await failure(driver.check(signal)))).toContain('answers with a redirect');
    expect(manila.requests).not.toContain('GET /v2/elsewhere');
  });

  it('of another microversion, or without the share type, needs another setting', async () => {
    for (const [more, words] of [
      [{ microversion: '2.999' }, 'microversion 2.999'],
      [{ shareType: 'gold' }, 'share type "gold"'],
    ] as const) {
      const error = await failure(make(more).check(signal));
      expect(error).toBeInstanceOf(TerminalError);
      expect(String(error)).toContain(words);
    }
  });

  it('tells its room to administrators alone', async () => {
    expect(await driver.room(signal)).toBeNull();
    const pool = (total: unknown, free: unknown) => ({
      name: 'pool',
      capabilities: { total_capacity_gb: total, free_capacity_gb: free },
    });
    manila.pools = [pool(10.5, 4), pool(20, 5)];
    expect(await driver.room(signal)).toEqual({ totalBytes: 30n << 30n, freeBytes: 9n << 30n });
    manila.pools = [pool(10, 4), pool('infinite', 'unknown')];
    expect(await driver.room(signal)).toBeNull();
  });
});

describe('settings of driver manila', () => {
  it.each([
    [{ url: 'manila:8786' }, '"url"'],
    [{ url: 'http://user:secret-word@manila/v2' }, '"url"'],
    [{ shareType: '' }, '"shareType"'],
    [{ microversion: '2.44' }, '"microversion"'],
    [{ microversion: 'latest' }, '"microversion"'],
    [{ protocol: 'FTP' }, '"protocol"'],
    [{ maxRules: 0 }, '"maxRules"'],
    [{ maxRules: '100' }, '"maxRules"'],
    [{ rules: 5 }, '"rules"'],
    [{ auth: { url: 'http://keystone/v3', username: 'us', projectName: 'p' } }, '"password"'],
    [{ auth: { url: 'http://keystone/v3', applicationCredentialId: 'an-id', password: 'secret-word' } }, 'Secret"'],
  ])('are refused by name: %j', (more, name) => {
    expect(() => make(more)).toThrow(name);
    expect(() => make(more)).not.toThrow('secret-word');
  });

  it('have no secret in what the fingerprint is made of, and are the same with another password', () => {
    const login = { url: 'http://keystone:5000/v3', username: 'us', projectName: 'storage' };
    const [one, other] = ['secret-word', 'another'].map((password) => make({ auth: { ...login, password } }).settings);
    expect(one).toBe(other);
    expect(one).not.toContain('secret-word');
    expect(make({ maxRules: 50, auth: { ...login, password: 'another' } }).settings).not.toBe(one);
  });
});

function refuse(status: number, message: string) {
  return (_: unknown, response: ServerResponse) =>
    send(response, status, JSON.stringify({ fault: { code: status, message } }), 'application/json');
}

function send(response: ServerResponse, status: number, body: string, type: string): 'answered' {
  response.writeHead(status, { 'Content-Type': type }).end(body);
  return 'answered';
}

function aShare(more: object): string {
  const one = {
    id: IDENTITY,
    project_id: 'p',
    size: 1,
    status: 'available',
    created_at: '2026',
    metadata: {},
    ...more,
  };
  return JSON.stringify({ shares: [one] });
}
