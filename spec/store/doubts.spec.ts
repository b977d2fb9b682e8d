import { parseCountingNetwork } from '../../lib/domain/address';
import { accessOf } from '../support/settle';
import { aFilesystem, anAddress, anObservation, freshStores, type Stores } from '../support/stores';

const NETWORK = '4f2a7c1e-9d53-4b0e-8a11-6c2d5e7f9a10';
const RULE = {
  networks: [parseCountingNetwork(`10.0.0.0/16@${NETWORK}`)],
  kinds: ['fixed'] as const,
};

describe('an address that somebody else claims as well', () => {
  let stores: Stores;
  let mine: { readonly id: string };
  let theirs: { readonly id: string };
  beforeEach(async () => {
    stores = await freshStores(RULE, { canAsk: true });
    mine = await aFilesystem(stores, { scope: 'project', owner: 'p1' });
    theirs = await aFilesystem(stores, { scope: 'project', owner: 'p2' });
  });
  afterEach(() => stores.close());

  const ADDRESS = anAddress('10.0.0.1', { network: NETWORK, port: 'port' });
  type Said = Parameters<typeof anObservation>[2];
  /** Says it a moment later than everything before. */
  const say = (id: string, said: Said = {}) => {
    stores.clock.advance(10);
    return stores.instances.apply([anObservation(stores.clock, id, said)]);
  };
  const answer = async (id: string, said: Said) => {
    stores.clock.advance(10);
    const [question] = (await stores.questions.take(10, 10)).filter(({ instanceId }) => instanceId === id);
    if (!question) throw new Error(`nothing is asked about ${id}`);
    stores.clock.advance(10);
    return stores.questions.answer(question, anObservation(stores.clock, id, { source: 'compute', ...said }));
  };
  const listOf = async (filesystem: { readonly id: string }) => (await accessOf(stores, filesystem.id)).addresses;

  const handedOver = async (project = 'p2') => {
    await say('old', { project: 'p1', addresses: [ADDRESS] });
    await say('new', { project, addresses: [ADDRESS] });
  };

  it('does not come back when the other claim ends, before Compute has said whose it is', async () => {
    await handedOver();
    await say('new', { state: 'gone' });
    expect(await accessOf(stores, mine.id)).toMatchObject({ addresses: [], disputed: ['10.0.0.1'] });
    expect(await answer('old', { project: 'p1', addresses: [ADDRESS] })).toEqual([mine.id]);
    expect(await accessOf(stores, mine.id)).toMatchObject({ addresses: ['10.0.0.1'], disputed: [] });
  });

  it('does not come back at all when Compute knows of no such instance', async () => {
    await handedOver();
    await say('new', { state: 'gone' });
    await answer('old', { state: 'gone' });
    expect([await listOf(mine), await listOf(theirs)]).toEqual([[], []]);
  });

  it('is that of the newer claim as soon as the older one ends', async () => {
    await handedOver();
    await say('old', { state: 'suspended' });
    expect([await listOf(mine), await listOf(theirs)]).toEqual([[], ['10.0.0.1']]);
  });

  it('stays while both are entitled, and goes with the newer claim', async () => {
    const global = await aFilesystem(stores, { scope: 'global' });
    await handedOver('p1');
    expect(await accessOf(stores, mine.id)).toMatchObject({ addresses: ['10.0.0.1'], disputed: [] });
    await say('new', { state: 'gone' });
    expect([await listOf(mine), await listOf(global)]).toEqual([[], []]);
  });

  it('is settled by no list of Compute that was asked for before, and asked about again', async () => {
    await say('old', { project: 'p1', addresses: [ADDRESS] });
    stores.clock.advance(10);
    const before = anObservation(stores.clock, 'old', { source: 'compute', project: 'p1', addresses: [ADDRESS] });
    await say('new', { project: 'p2', addresses: [ADDRESS] });
    await say('new', { state: 'gone' });
    await stores.instances.apply([before]);
    expect(await listOf(mine)).toEqual([]);
    await answer('old', { project: 'p1', addresses: [ADDRESS] });
    expect(await listOf(mine)).toEqual(['10.0.0.1']);
  });

  it('is asked about again after an answer that is older than the doubt', async () => {
    await handedOver();
    await say('new', { state: 'gone' });
    const [question] = (await stores.questions.take(10, 10)).filter(({ instanceId }) => instanceId === 'old');
    if (!question) throw new Error('nothing is asked');
    // another process, whose clock is behind
    const observation = anObservation(stores.clock, 'old', { source: 'compute', project: 'p1', addresses: [ADDRESS] });
    const time = new Date(observation.time.getTime() - 1_000);
    await stores.questions.answer(question, { ...observation, time });
    expect(await listOf(mine)).toEqual([]);
    stores.clock.advance(10_000);
    await answer('old', { project: 'p1', addresses: [ADDRESS] });
    expect(await listOf(mine)).toEqual(['10.0.0.1']);
  });

  it('is not put in doubt by one of a network that does not count', async () => {
    await say('old', { project: 'p1', addresses: [ADDRESS] });
    await say('new', { project: 'p2', addresses: [{ ...ADDRESS, network: 'of-a-tenant', port: 'other' }] });
    await say('new', { state: 'gone' });
    expect(await listOf(mine)).toEqual(['10.0.0.1']);
  });
});
