import { inspect } from 'node:util';
import { InvalidInput, Unavailable } from '../../lib/domain/errors';
import { NovaComputeApi } from '../../lib/openstack/compute-api';
import { allOf } from '../support/all-of';
import { aServer } from '../support/compute/state';
import { ComputeStandIn } from '../support/compute-stand-in';
import { HandClock } from '../support/hand-clock';
import { type Scripted, type ScriptedCompute, scriptedCompute } from '../support/scripted-compute';

const ID = 'd25d21d2-07bb-40ac-8e87-da06ea4a6a53';
const TOKEN = 'gAAAA-the-token-of-an-administrator';

const compute = new ComputeStandIn();
const scripts: ScriptedCompute[] = [];
beforeAll(() => compute.start());
afterAll(() => compute.stop());
beforeEach(() =>
  compute.replace({ servers: { [ID]: aServer() }, tokens: { [TOKEN]: { project: 'admin', admin: true } } }),
);
afterEach(() => Promise.all(scripts.splice(0).map((each) => each.close())));

const { signal } = new AbortController();
const api = (url = compute.url, token = async () => TOKEN, clock = new HandClock()) =>
  new NovaComputeApi({ url, token, readInterfaces: false, clock });
const scripted = async (...script: Parameters<typeof scriptedCompute>) => {
  const started = await scriptedCompute(...script);
  scripts.push(started);
  return started;
};
/** What finding and listing throw: never anything that holds the token, or what was answered. */
const troubles = async (asked: NovaComputeApi) => {
  const thrown = await Promise.all([
    asked.find(ID, signal).catch((error: unknown) => error),
    allOf(asked.list(signal)).catch((error: unknown) => error),
  ]);
  for (const error of thrown) {
    expect(error).toBeInstanceOf(Unavailable);
    expect(inspect(error, { depth: null, showHidden: true })).not.toMatch(/gAAAA|log in|d25d21d2|Unexpected API/);
  }
  return thrown.map((error) => (error as Error).message);
};
const both = (message: string) => [message, message];
const NONSENSE = both('What Compute answers cannot be read: COMPUTE_URL may be that of something else.');

describe('a request to Compute', () => {
  it('is a GET that carries the token and wants JSON', async () => {
    const { url, requests } = await scripted(() => ({ status: 500, text: '' }));
    await troubles(api(url));
    expect(requests.map(({ method }) => method)).toEqual(['GET', 'GET']);
    for (const { headers } of requests)
      expect(headers).toMatchObject({ 'x-auth-token': TOKEN, accept: 'application/json' });
  });

  it('names the microversion that tells of cells that are down, and of a page that cannot tell the oldest', async () => {
    const { url, requests } = await scripted((path) =>
      path === '/os-services' ? { text: '{"services": []}' } : { status: 500, text: '' },
    );
    await troubles(api(url));
    const versions = requests.map((each) => [each.url?.split('?')[0], each.headers['openstack-api-version']]);
    expect(new Map(versions as [string, unknown][])).toEqual(
      new Map([
        [`/v2.1/servers/${ID}`, 'compute 2.69'],
        ['/v2.1/os-services', 'compute 2.69'],
        ['/v2.1/servers/detail', undefined],
      ]),
    );
  });

  it('goes to the same place with a slash behind it', async () => {
    expect(await api(`${compute.url}//`).find(ID, signal)).toMatchObject({ state: 'live' });
  });

  it.each([
    ['nova:8774'],
    ['ftp://nova/v2.1'],
    ['http://user:secret@nova:8774/v2.1'],
    ['http://nova:8774/v2.1?x=1'],
    ['http://nova:8774/v2.1#x'],
    [''],
  ])('is never sent to %j', (url) => {
    expect(() => api(url)).toThrow(InvalidInput);
    expect(() => api(url)).toThrow(/^(?!.*secret).*COMPUTE_URL/);
  });

  it('takes a new token each time', async () => {
    const words = ['old', TOKEN];
    const asked = api(compute.url, async () => words.shift() ?? 'none');
    await expect(asked.find(ID, signal)).rejects.toThrow('COMPUTE_TOKEN');
    expect(await asked.find(ID, signal)).toMatchObject({ state: 'live' });
  });
});

describe('Compute', () => {
  it('that does not accept the token is said to', async () => {
    compute.set({ tokens: {} });
    expect(await troubles(api())).toEqual(
      both('Compute does not accept the token (401): COMPUTE_TOKEN is wrong or has expired.'),
    );
  });

  it.each([[400], [429], [500], [503]])('that answers %d is said to', async (status) => {
    compute.set({ failing: { '/servers/{id}': status, '/servers/detail': status } });
    expect(await troubles(api())).toEqual(both(`Compute answers ${status}.`));
  });

  it.each([['html'], ['truncated'], ['large']] as const)(
    'that answers with something else (%s) is said to',
    async (wrong) => {
      compute.set({ wrong });
      expect(await troubles(api())).toEqual(NONSENSE);
    },
  );

  it.each([['null'], ['[]'], ['"text"'], ['{}'], ['{"server": {}, "servers": {}, "services": {}}'], ['']])(
    'that answers %s is said to answer with something else',
    async (text) => {
      const { url } = await scripted(() => ({ text }));
      expect(await troubles(api(url))).toEqual(NONSENSE);
    },
  );

  it('that tells of another instance is not believed', async () => {
    const { url } = await scripted(() => ({
      text: JSON.stringify({ server: { id: 'other', status: 'ACTIVE', 'OS-EXT-STS:vm_state': 'active' } }),
    }));
    await expect(api(url).find(ID, signal)).rejects.toThrow(NONSENSE[0]);
  });

  it('that answers without end is not listened to any more', async () => {
    compute.set({ wrong: 'endless' });
    expect(await troubles(api())).toEqual(both('Compute answers with more than 67108864 bytes.'));
  });

  it('that sends elsewhere is not followed', async () => {
    const other = await scripted(() => ({ text: '{}' }));
    compute.set({ redirect: `${other.url}/servers/${ID}` });
    expect(await troubles(api())).toEqual(
      both('Compute cannot be asked, or answers with a redirect: see COMPUTE_URL.'),
    );
    expect(other.requests).toEqual([]);
  });

  it('that is not there is said to be, and is found again when it is', async () => {
    await compute.kill();
    expect(await troubles(api())).toEqual(both('Compute is out of reach (ECONNREFUSED).'));
    await compute.start();
    expect(await api().find(ID, signal)).toMatchObject({ state: 'live' });
  });
});

describe('a connection that breaks', () => {
  it('is made again once', async () => {
    compute.set({ away: 1 });
    expect(await api().find(ID, signal)).toMatchObject({ state: 'live' });
  });

  it('is made again when it was kept, and Compute has been started anew', async () => {
    const asked = api();
    await asked.find(ID, signal);
    await compute.kill();
    await compute.start();
    expect(await asked.find(ID, signal)).toMatchObject({ state: 'live' });
  });

  it('is not made a third time', async () => {
    const { url, requests } = await scripted(() => null);
    expect(await troubles(api(url))).toEqual(both('Compute is out of reach (UND_ERR_SOCKET).'));
    expect(requests).toHaveLength(4);
  });
});

describe('Compute that does not answer', () => {
  /** Never answers, and tells when it was asked. */
  const silent = async () => {
    let asked = () => {};
    const wasAsked = new Promise<void>((resolve) => {
      asked = resolve;
    });
    let answer = (_answer: Scripted) => {};
    const { url } = await scripted(() => {
      asked();
      return new Promise((resolve) => {
        answer = resolve;
      });
    });
    return { url, wasAsked, answer: (given: Scripted) => answer(given) };
  };

  it('about an instance is given up after 10 s', async () => {
    const { url, wasAsked } = await silent();
    const clock = new HandClock();
    const found = api(url, async () => TOKEN, clock).find(ID, signal);
    await wasAsked;
    clock.advance(10_000);
    await expect(found).rejects.toThrow(new Unavailable('Compute did not answer within 10 s.'));
  });

  it('about a page is given up after 60 s, and not before', async () => {
    const { url, wasAsked, answer } = await silent();
    const clock = new HandClock();
    const pages = allOf(api(url, async () => TOKEN, clock).list(signal));
    await wasAsked;
    clock.advance(59_999);
    answer({ text: 'late, and nonsense' });
    await expect(pages).rejects.toThrow(NONSENSE[0]);

    const other = await silent();
    const more = allOf(api(other.url, async () => TOKEN, clock).list(signal));
    await other.wasAsked;
    clock.advance(60_000);
    await expect(more).rejects.toThrow(new Unavailable('Compute did not answer within 60 s.'));
  });

  it('is given up with the reason of who does not want to know any more', async () => {
    const { url, wasAsked } = await silent();
    const stop = new AbortController();
    const reason = new Error('the process stops');
    const found = api(url).find(ID, stop.signal);
    const pages = allOf(api(url).list(stop.signal));
    await wasAsked;
    stop.abort(reason);
    await expect(found).rejects.toBe(reason);
    await expect(pages).rejects.toBe(reason);
    await expect(api(url).find(ID, stop.signal)).rejects.toBe(reason);
  });
});

describe('the token', () => {
  it.each([
    ['that cannot be had', () => Promise.reject(new Error(`no ${TOKEN}`)), 'There is no token to ask Compute with.'],
    ['whose service is out of reach', () => Promise.reject(new Unavailable('Keystone is away.')), 'Keystone is away.'],
    ['with a line break', async () => `${TOKEN}\n`, 'COMPUTE_TOKEN is no token: it must be printable ASCII.'],
    ['that is empty', async () => '', 'COMPUTE_TOKEN is no token: it must be printable ASCII.'],
  ])('%s is told in words that do not hold it', async (_what, token, words) => {
    expect(await troubles(api(compute.url, token))).toEqual(both(words));
  });

  it('that never comes is waited for as long as an answer', async () => {
    const clock = new HandClock();
    const found = api(compute.url, () => new Promise(() => {}), clock).find(ID, signal);
    clock.advance(10_000);
    await expect(found).rejects.toThrow('Compute did not answer within 10 s.');
  });

  it('stands in no error of a signal that was aborted before', async () => {
    await expect(api().find(ID, AbortSignal.abort())).rejects.toThrow('aborted');
  });
});
