import type { Driver } from '../lib/ports/driver';
import { serveBackend } from '../lib/served-backends';
import { HandClock } from './support/hand-clock';
import { InMemoryDriver } from './support/in-memory-driver';
import { NO_METRICS, SILENT } from './support/reconcilers';
import { freshStores, type Stores } from './support/stores';

describe('the fingerprint of a backend’s settings', () => {
  let stores: Stores;
  beforeAll(async () => {
    stores = await freshStores();
  });
  afterAll(() => stores.close());

  const fingerprintOf = async (rule: Parameters<typeof serveBackend>[1], said: Partial<Driver> = {}) => {
    const name = 'fingerprinted';
    const known = await stores.backends.find(name);
    // the same storage each time
    const driver = Object.assign(new InMemoryDriver(), { marker: known?.identity ?? null }, said);
    const stop = new AbortController();
    const served = serveBackend(
      { options: { name, driver: 'in-memory' }, driver },
      rule,
      stores,
      new HandClock(),
      0,
      SILENT,
      NO_METRICS,
      { mode: 'off', intervalMilliseconds: 600_000 },
    );
    const running = served.run(stop.signal);
    while (served.status.state === 'starting') await new Promise(setImmediate);
    stop.abort();
    await running;
    const [row] = await stores.database.query<{ fingerprint: string }>(
      'select fingerprint from backends where name = $1',
      [name],
    );
    return row?.fingerprint;
  };
  const rule = { networks: null, kinds: ['fixed', 'floating'] as const };

  it('is the same for the same settings in another order', async () => {
    expect(await fingerprintOf({ ...rule, kinds: ['floating', 'fixed'] })).toBe(await fingerprintOf(rule));
  });

  it.each<[string, Parameters<typeof serveBackend>[1], Partial<Driver>]>([
    ['the networks', { ...rule, networks: [{ cidr: '10.0.0.0/8', networkId: null }] }, {}],
    ['the kinds of addresses', { ...rule, kinds: ['fixed'] }, {}],
    ['the filer’s own addresses', { ...rule, excluded: ['192.0.2.1'] }, {}],
    ['the driver’s settings', rule, { settings: 'others' }],
  ])('is another with %s', async (_, other, said) => {
    const before = await fingerprintOf(rule);
    expect(await fingerprintOf(other, said)).not.toBe(before);
  });
});
