import { type InstanceAddress, parseCountingNetwork } from '../../lib/domain/address';
import type { Question } from '../../lib/ports/directory-store';
import { accessOf, settleAll } from '../support/settle';
import { aFilesystem, anAddress, anObservation, freshStores, type Stores } from '../support/stores';

const SECOND = 1_000;

describe('questions to Compute', () => {
  let stores: Stores;
  beforeEach(async () => {
    stores = await freshStores(undefined, { canAsk: true });
  });
  afterEach(() => stores.close());

  type Said = Parameters<typeof anObservation>[2];
  /** Says it a moment later than everything before. */
  const say = async (id: string, said: Said = {}) => {
    stores.clock.advance(1);
    await stores.instances.apply([anObservation(stores.clock, id, said)]);
  };
  const answer = async (question: Question, said: Said = {}) => {
    stores.clock.advance(1);
    await stores.questions.answer(
      question,
      anObservation(stores.clock, question.instanceId, { source: 'compute', ...said }),
    );
  };
  /** What is due now, by id. */
  const take = async (): Promise<readonly string[]> =>
    (await stores.questions.take(100, 100)).map(({ instanceId, reason }) => `${instanceId} ${reason}`).toSorted();
  const takeOne = async (): Promise<Question> => {
    const [question, ...more] = await stores.questions.take(100, 100);
    if (!question || more.length > 0) throw new Error('expected one question');
    return question;
  };
  const listOf = async (filesystem: { id: string }) => (await accessOf(stores, filesystem.id)).addresses;

  it('are not raised by what a notification says plainly', async () => {
    await say('vm', { addresses: ['10.0.0.1'] });
    expect(await take()).toEqual([]);
    expect(await stores.questions.nextDue()).toBeNull();
  });

  it('hold back what _events would grant until Compute has confirmed it', async () => {
    const filesystem = await aFilesystem(stores);
    await say('vm', { source: 'events', addresses: ['10.0.0.1'] });
    expect(await listOf(filesystem)).toEqual([]);
    const question = await takeOne();
    expect(question).toMatchObject({ instanceId: 'vm', reason: 'claim', failures: 0 });
    await answer(question, { addresses: ['10.0.0.2'] });
    expect(await listOf(filesystem)).toEqual(['10.0.0.2']);
    expect(await stores.questions.nextDue()).toBeNull();
  });

  it('do not hold back what _events ends', async () => {
    const filesystem = await aFilesystem(stores);
    await say('vm', { addresses: ['10.0.0.1', '10.0.0.2'] });
    await say('vm', { source: 'events', addresses: ['10.0.0.1', '10.0.0.3'] });
    expect(await listOf(filesystem)).toEqual(['10.0.0.1']);
    await say('vm', { source: 'events', state: 'gone' });
    expect(await listOf(filesystem)).toEqual([]);
    expect(await take()).toEqual([]); // of one that is gone nothing is open
  });

  it('leave a tombstone where Compute knows of no such instance', async () => {
    const filesystem = await aFilesystem(stores);
    await say('vm', { source: 'events', addresses: ['10.0.0.1'] });
    await answer(await takeOne(), { state: 'gone' });
    stores.clock.advance(-5);
    await say('vm', { addresses: ['10.0.0.1'] });
    expect(await listOf(filesystem)).toEqual([]);
  });

  it('are asked about one instance by one process at a time, the same again after 10 s, news after one', async () => {
    await say('vm', { source: 'events', addresses: ['10.0.0.1'] });
    const question = await takeOne();
    expect(await take()).toEqual([]);
    await answer(question, { addresses: ['10.0.0.1'] });
    await say('vm', { addresses: [], time: new Date(stores.clock.now().getTime() - 60_000) });
    stores.clock.advance(9 * SECOND);
    expect(await take()).toEqual([]);
    stores.clock.advance(SECOND);
    expect(await take()).toEqual(['vm late']);
    await say('vm', { source: 'events', addresses: ['10.0.0.1', '10.0.0.9'] });
    expect(await take()).toEqual([]);
    stores.clock.advance(SECOND);
    expect(await take()).toEqual(['vm claim']);
  });

  it('stay open when something new is raised while Compute answers', async () => {
    await say('vm', { source: 'events', addresses: ['10.0.0.1'] });
    const question = await takeOne();
    await say('vm', { source: 'events', addresses: ['10.0.0.1', '10.0.0.9'] });
    await answer(question, { addresses: ['10.0.0.1'] });
    stores.clock.advance(SECOND);
    expect(await take()).toEqual(['vm claim']);
  });

  it('come again after a time without an answer, and when the process that took them has died', async () => {
    await say('vm', { source: 'events', addresses: ['10.0.0.1'] });
    await stores.questions.postpone(await takeOne(), 20 * SECOND);
    stores.clock.advance(19 * SECOND);
    expect(await take()).toEqual([]);
    stores.clock.advance(SECOND);
    expect(await takeOne()).toMatchObject({ failures: 1 });
    stores.clock.advance(60 * SECOND);
    expect(await take()).toEqual(['vm claim']);
  });

  it('are raised about all who claim one address, and settled by the answer', async () => {
    const mine = await aFilesystem(stores, { scope: 'project', owner: 'p1' });
    const theirs = await aFilesystem(stores, { scope: 'project', owner: 'p2' });
    await say('old', { project: 'p1', addresses: ['10.0.0.1'] });
    await say('new', { project: 'p2', addresses: ['10.0.0.1'] });
    expect([await listOf(mine), await listOf(theirs)]).toEqual([[], []]);
    const questions = await stores.questions.take(10, 10);
    expect(questions.map(({ instanceId }) => instanceId).toSorted()).toEqual(['new', 'old']);
    for (const question of questions)
      await answer(
        question,
        question.instanceId === 'old' ? { state: 'gone' } : { project: 'p2', addresses: ['10.0.0.1'] },
      );
    expect([await listOf(mine), await listOf(theirs)]).toEqual([[], ['10.0.0.1']]);
    // whose answer came while the other one was open is asked about once more
    stores.clock.advance(10 * SECOND);
    for (const question of await stores.questions.take(10, 10))
      await answer(question, { project: 'p2', addresses: ['10.0.0.1'] });
    expect(await stores.questions.nextDue()).toBeNull();
  });

  it('about a dispute that no answer settles come later and later', async () => {
    await say('one', { project: 'p1', addresses: ['10.0.0.1'] });
    await say('other', { project: 'p2', addresses: ['10.0.0.1'] });
    let pauses: readonly number[] = [];
    for (let round = 0; round < 7; round += 1) {
      const due = await stores.questions.nextDue();
      const pause = (due?.getTime() ?? 0) - stores.clock.now().getTime();
      pauses = [...pauses, Math.round(pause / SECOND)];
      stores.clock.advance(Math.max(0, pause) + 10);
      for (const question of await stores.questions.take(10, 10))
        await answer(question, {
          project: question.instanceId === 'one' ? 'p1' : 'p2',
          addresses: ['10.0.0.1'],
        });
    }
    expect(pauses).toEqual([0, 10, 20, 40, 80, 160, 300]);
  });

  it('are not raised where a claim counts for nothing', async () => {
    await stores.close();
    stores = await freshStores(
      { networks: [parseCountingNetwork('10.20.0.0/16')], kinds: ['fixed'] },
      { canAsk: true },
    );
    await say('one', { addresses: ['192.168.0.1'] });
    await say('other', { addresses: ['192.168.0.1'] });
    expect(await take()).toEqual([]);
  });

  it('ask what became of a deletion that has begun, and not of one that has ended', async () => {
    await say('fails', { addresses: ['10.0.0.1'] });
    await say('fails', { state: 'suspended' });
    await say('ends', { addresses: ['10.0.0.2'] });
    await say('ends', { state: 'suspended' });
    await say('ends', { state: 'gone' });
    expect(await take()).toEqual([]);
    stores.clock.advance(60 * SECOND);
    const filesystem = await aFilesystem(stores);
    const question = await takeOne();
    expect(question).toMatchObject({ instanceId: 'fails', reason: 'ending' });
    await answer(question, { state: 'live' });
    expect(await listOf(filesystem)).toEqual(['10.0.0.1']);
  });

  it('are raised by an old message that would take an address away, which stays', async () => {
    const filesystem = await aFilesystem(stores);
    await say('vm', { addresses: ['10.0.0.1'] });
    await say('vm', { addresses: [], time: new Date(stores.clock.now().getTime() - 60_000) });
    expect(await listOf(filesystem)).toEqual(['10.0.0.1']);
    expect(await take()).toEqual(['vm late']);
  });

  it('are asked again a second later when something was heard while Compute answered', async () => {
    await say('vm', { source: 'events', addresses: ['10.0.0.1'] });
    const question = await takeOne();
    const time = stores.clock.now();
    await say('vm', { addresses: ['10.0.0.1'] });
    stores.clock.advance(1);
    const answered = { source: 'compute', time, addresses: ['10.0.0.1'] } as const;
    await stores.questions.answer(question, anObservation(stores.clock, 'vm', answered));
    expect(await take()).toEqual([]);
    stores.clock.advance(SECOND);
    expect(await take()).toEqual(['vm late']);
  });

  describe('where tenants may make networks of their own', () => {
    const MAC = 'fa:16:3e:00:00:01';
    const onPort = (address: string, rest: Partial<InstanceAddress> = {}) =>
      ({ ...anAddress(address), port: 'p-1', mac: MAC, ...rest }) satisfies InstanceAddress;

    beforeEach(async () => {
      await stores.close();
      stores = await freshStores(
        { networks: [parseCountingNetwork('10.20.0.0/16@storage')], kinds: ['fixed'] },
        { canAsk: true },
      );
    });

    it('a new port is asked about once, and known from then on', async () => {
      const filesystem = await aFilesystem(stores);
      await say('vm', { addresses: [onPort('10.20.0.1')] });
      expect(await listOf(filesystem)).toEqual([]);
      const question = await takeOne();
      expect(question.reason).toBe('port');
      await answer(question, { addresses: [onPort('10.20.0.1', { network: 'storage' })] });
      expect(await listOf(filesystem)).toEqual(['10.20.0.1']);

      stores.clock.advance(60 * SECOND);
      await say('vm', { addresses: [onPort('10.20.0.1')] }); // a notification, again without the network
      await say('vm', { source: 'compute', addresses: [onPort('10.20.0.1', { port: null })] }); // Compute's list: the MAC alone
      expect(await listOf(filesystem)).toEqual(['10.20.0.1']);
      expect(await take()).toEqual([]);
    });

    it("a stranger's address on a network of his own never counts, and disturbs nobody", async () => {
      const filesystem = await aFilesystem(stores, { scope: 'project', owner: 'victim' });
      await say('victim', {
        project: 'victim',
        source: 'host',
        addresses: [onPort('10.20.0.1', { network: 'storage' })],
      });
      await say('stranger', { project: 'p2', addresses: [onPort('10.20.0.1', { port: 'p-2' })] });
      expect(await listOf(filesystem)).toEqual(['10.20.0.1']);
      await answer(await takeOne(), {
        project: 'p2',
        addresses: [onPort('10.20.0.1', { port: 'p-2', network: 'his-own' })],
      });
      expect(await listOf(filesystem)).toEqual(['10.20.0.1']);
      expect(await take()).toEqual([]);
    });

    it('a port of the same MAC address on another network is not taken for the known one', async () => {
      const filesystem = await aFilesystem(stores);
      await say('vm', { source: 'host', addresses: [onPort('10.20.0.1', { network: 'storage' })] });
      await say('vm', { addresses: [onPort('10.20.0.1', { port: 'p-2' })] });
      expect(await listOf(filesystem)).toEqual([]);
      await answer(await takeOne(), { addresses: [onPort('10.20.0.1', { port: 'p-2', network: 'his-own' })] });
      await say('vm', { source: 'compute', addresses: [onPort('10.20.0.1', { port: null })] });
      expect(await listOf(filesystem)).toEqual([]);
    });

    it('what is let in already stays while the network is not known, unless another claims it with right', async () => {
      const filesystem = await aFilesystem(stores, { scope: 'project', owner: 'p1' });
      await say('vm', { project: 'p1', source: 'host', addresses: [onPort('10.20.0.1', { network: 'storage' })] });
      await settleAll(stores);
      await say('vm', {
        project: 'p1',
        addresses: [onPort('10.20.0.1', { port: null, mac: null }), onPort('10.20.0.2', { port: 'p-9' })],
      });
      expect(await listOf(filesystem)).toEqual(['10.20.0.1']);
      await say('other', {
        project: 'p2',
        source: 'host',
        addresses: [onPort('10.20.0.1', { port: 'p-3', network: 'storage' })],
      });
      expect(await listOf(filesystem)).toEqual([]);
    });

    it('what Compute cannot tell is asked for later and later', async () => {
      await say('vm', { addresses: [onPort('10.20.0.1')] });
      await answer(await takeOne(), { addresses: [onPort('10.20.0.1', { port: null })] });
      for (const seconds of [1, 2, 4, 8]) {
        stores.clock.advance(seconds * SECOND - 10);
        expect(await take()).toEqual([]);
        stores.clock.advance(20);
        await answer(await takeOne(), { addresses: [onPort('10.20.0.1', { port: null })] });
      }
    });

    it('what an instance that is being built does not tell yet is asked again a second later, whatever is told meanwhile', async () => {
      const filesystem = await aFilesystem(stores);
      await say('vm', { addresses: [onPort('10.20.0.1')] });
      await stores.questions.answer(await takeOne(), {
        ...anObservation(stores.clock, 'vm', { source: 'compute' }),
        addresses: undefined,
      });
      await say('vm', { addresses: [onPort('10.20.0.1')] });
      stores.clock.advance(SECOND);
      await answer(await takeOne(), { addresses: [onPort('10.20.0.1', { network: 'storage' })] });
      expect(await listOf(filesystem)).toEqual(['10.20.0.1']);
    });

    it('a known MAC address makes no other address count, whoever tells it', async () => {
      const filesystem = await aFilesystem(stores, { scope: 'project', owner: 'p1' });
      await say('victim', {
        project: 'p1',
        source: 'host',
        addresses: [onPort('10.20.0.5', { port: 'p-5', mac: null, network: 'storage' })],
      });
      const own = onPort('10.20.0.66', { network: 'storage' });
      await say('attacker', { project: 'p2', source: 'compute', addresses: [own] });
      const stolen = onPort('10.20.0.5', { port: null });
      for (const source of ['compute', 'notification'] as const)
        await say('attacker', { project: 'p2', source, addresses: [onPort('10.20.0.66', { port: null }), stolen] });
      expect(await listOf(filesystem)).toEqual(['10.20.0.5']);
      // an answer that Compute's interfaces do not bear out
      const question = await takeOne();
      await answer(question, { project: 'p2', addresses: [own, stolen] });
      expect(await listOf(filesystem)).toEqual(['10.20.0.5']);
    });
  });

  it('about what a resync did not find hold up no others', async () => {
    await stores.instances.apply(
      Array.from({ length: 20 }, (_, index) => anObservation(stores.clock, `missing-${index}`, { addresses: [] })),
    );
    stores.clock.advance(SECOND);
    const begun = stores.clock.now();
    await stores.resync.alone((listing) => listing.askAboutMissing(begun));
    stores.clock.advance(SECOND);
    await say('vm', { source: 'events', addresses: ['10.0.0.1'] });
    const taken = await stores.questions.take(4, 2);
    expect(taken.map(({ reason }) => reason).toSorted()).toEqual(['claim', 'missing', 'missing']);
    // a resync that does not find them either does not raise them again
    await stores.resync.alone((listing) => listing.askAboutMissing(stores.clock.now()));
    expect(await stores.questions.take(0, 100)).toHaveLength(18);
  });

  it('about an ending are not lost while another one is under way', async () => {
    await say('vm', { source: 'events', addresses: ['10.0.0.1'] });
    const question = await takeOne();
    await say('vm', { state: 'suspended' });
    stores.clock.advance(-5);
    await answer(question, { state: 'live', addresses: ['10.0.0.1'] });
    stores.clock.advance(61 * SECOND);
    expect(await take()).toHaveLength(1);
  });

  it('are asked again when an answer was older than an end that was heard meanwhile, which stays', async () => {
    const filesystem = await aFilesystem(stores);
    await say('vm', { addresses: ['10.0.0.1'] });
    const asked = stores.clock.now();
    stores.clock.advance(200);
    // told by a host whose clock is a second behind
    const time = new Date(stores.clock.now().getTime() - 1_000);
    await stores.instances.apply([anObservation(stores.clock, 'vm', { state: 'gone', time })]);
    stores.clock.advance(200);
    const page = { source: 'compute', time: asked, addresses: ['10.0.0.1'] } as const;
    await stores.instances.apply([anObservation(stores.clock, 'vm', page)]);
    expect(await listOf(filesystem)).toEqual([]);
  });

  it('are asked again when a list was older than one that was heard meanwhile, which stays', async () => {
    const filesystem = await aFilesystem(stores);
    await say('vm', { addresses: ['10.0.0.1', '10.0.0.2'], time: new Date(stores.clock.now().getTime() - 5_000) });
    const asked = stores.clock.now();
    stores.clock.advance(200);
    const time = new Date(stores.clock.now().getTime() - 1_000);
    await stores.instances.apply([anObservation(stores.clock, 'vm', { addresses: ['10.0.0.1'], time })]);
    const page = { source: 'compute', time: asked, addresses: ['10.0.0.1', '10.0.0.2'] } as const;
    await stores.instances.apply([anObservation(stores.clock, 'vm', page)]);
    expect(await listOf(filesystem)).toEqual(['10.0.0.1']);
    expect(await take()).toEqual(['vm late']);
  });

  it('doubt an older claim whose rival came and went in one batch', async () => {
    const mine = await aFilesystem(stores, { scope: 'project', owner: 'p1' });
    await say('old', { project: 'p1', addresses: ['10.0.0.1'] });
    stores.clock.advance(1);
    const rival = (said: Said) => anObservation(stores.clock, 'new', { project: 'p2', ...said });
    await stores.instances.apply([rival({ addresses: ['10.0.0.1'] }), rival({ state: 'gone' })]);
    expect(await listOf(mine)).toEqual([]);
    expect(await take()).toEqual(['old dispute']);
  });

  it('find what was soft-deleted and forgotten', async () => {
    await say('vm', { addresses: ['10.0.0.1'] });
    await say('vm', { state: 'suspended' });
    stores.clock.advance(61 * SECOND);
    await answer(await takeOne(), { state: 'suspended' });
    stores.clock.advance(25 * 3_600 * SECOND);
    const resync = () => stores.resync.alone((listing) => listing.askAboutMissing(stores.clock.now()));
    await resync();
    const question = await takeOne();
    expect(question.reason).toBe('missing');
    await answer(question, { state: 'gone' });
    stores.clock.advance(25 * 3_600 * SECOND);
    expect(await stores.instances.prune(new Date(stores.clock.now().getTime() - 24 * 3_600 * SECOND))).toBe(1);
  });

  it('are raised when nobody tells the addresses of an instance, and not when somebody soon does', async () => {
    await say('silent', {});
    await say('told', {});
    await say('told', { addresses: ['10.0.0.1'] });
    expect(await take()).toEqual([]);
    stores.clock.advance(15 * SECOND);
    expect(await take()).toEqual(['silent addresses']);
  });
});
