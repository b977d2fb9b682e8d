import { type CountingRule, type InstanceAddress, parseCountingNetwork } from '../../lib/domain/address';
import { DISPUTED, SURPLUS } from '../../lib/domain/entitlement';
import { explain } from '../../lib/domain/explain';
import type { ExplainedAccess, ExplainedFact, FactName } from '../../lib/domain/explanation';
import type { Filesystem } from '../../lib/domain/filesystem';
import type { KnownInstance } from '../../lib/domain/instance';
import { parseSize } from '../../lib/domain/size';
import type { QuestionReason } from '../../lib/domain/trust';
import { anAddress } from '../support/an-address';

const T = new Date('2026-11-24T12:00:00Z');
const LATER = new Date('2026-11-24T12:00:30Z');
const EVERY: CountingRule = { networks: null, kinds: ['fixed'] };
const said = { time: T, source: 'compute' } as const;

const FILESYSTEM: Filesystem = {
  id: '6f1c0f7e-0000-4000-8000-000000000001',
  name: 'mydata',
  owner: 'alpha',
  scope: 'project',
  project: 'alpha',
  size: parseSize('4Gb'),
  appliedSize: parseSize('4Gb'),
  status: 'available',
  deletionWanted: false,
  attributesRevision: 1n,
  desiredRevision: 3n,
  appliedRevision: 3n,
  backend: 'default',
  number: null,
  protocol: null,
  exportLocation: '10.0.0.1:/volumes/x',
  usedBytes: null,
  fault: null,
  created: T,
  updated: T,
};

/** A live one of project alpha. */
const anInstance = (
  addresses: readonly (string | InstanceAddress)[] = ['10.0.0.1'],
  rest: Partial<KnownInstance> = {},
): KnownInstance => ({
  id: 'i-1',
  project: { value: 'alpha', ...said },
  state: { value: 'live', ...said },
  addresses: { value: addresses.map((each) => (typeof each === 'string' ? anAddress(each) : each)), ...said },
  liveUntil: null,
  ...rest,
});

/** One that is let in by one address, and nothing in the way. */
const anAccess = ({
  filesystem,
  attempt,
  ...rest
}: Partial<Omit<ExplainedAccess, 'filesystem' | 'attempt'>> & {
  filesystem?: Partial<Filesystem>;
  attempt?: Partial<ExplainedAccess['attempt']>;
} = {}): ExplainedAccess => ({
  filesystem: { ...FILESYSTEM, ...filesystem },
  deletionWanted: null,
  instance: anInstance(),
  firstHeard: T,
  question: null,
  connected: null,
  disputed: new Set(),
  entries: new Map([['10.0.0.1', LATER]]),
  faults: new Map(),
  attempt: { next: null, leased: false, failed: false, failures: 0, lastError: null, ...attempt },
  ...rest,
});

const factsOf = (access: ExplainedAccess, name: FactName, rule = EVERY): readonly ExplainedFact[] =>
  explain(access, rule).facts.filter(({ fact }) => fact === name);
const factOf = (access: ExplainedAccess, name: FactName, rule = EVERY): ExplainedFact => {
  const [fact, ...more] = factsOf(access, name, rule);
  if (!fact || more.length > 0) throw new Error(`expected one fact ${name}`);
  return fact;
};

describe('explain', () => {
  it('tells the whole chain in order, each link with its yes or no and its reason', () => {
    const { letIn, facts } = explain(anAccess(), EVERY);
    expect(letIn).toBe(true);
    expect(facts.map(({ fact }) => fact)).toEqual([
      'known',
      'project',
      'question',
      'scope',
      'state',
      'addresses',
      'address',
      'dispute',
      'backend',
      'revision',
      'error',
      'next_attempt',
      'deletion',
    ]);
    for (const { holds, reason } of facts) {
      expect(holds).toBe(true);
      expect(reason).toMatch(/^[A-Z].*\.$/);
    }
  });

  it('has no let_in without an address that the backend lets in', () => {
    expect(explain(anAccess({ entries: new Map() }), EVERY).letIn).toBe(false);
    expect(explain(anAccess({ instance: null, entries: new Map() }), EVERY).letIn).toBe(false);
  });

  describe('known', () => {
    it('says since when', () => {
      expect(factOf(anAccess(), 'known')).toMatchObject({ holds: true, since: T });
    });
    it('does not hold where no source has told of it', () => {
      const unknown = anAccess({ instance: null, firstHeard: null, entries: new Map() });
      expect(factOf(unknown, 'known')).toMatchObject({ holds: false, since: null });
      expect(explain(unknown, EVERY).facts.map(({ fact, holds }) => [fact, holds])).toEqual([
        ['known', false],
        ['project', null],
        ['question', true],
        ['scope', null],
        ['state', null],
        ['addresses', null],
        ['dispute', null],
        ['revision', true],
        ['error', true],
        ['next_attempt', true],
        ['deletion', true],
      ]);
    });
    it('does not hold where reports alone have told of it', () => {
      const claimed = anInstance([], { project: null, state: null, addresses: null });
      expect(factOf(anAccess({ instance: claimed }), 'known')).toMatchObject({
        holds: false,
        since: T,
        reason: expect.stringMatching(/when Compute has confirmed/),
      });
    });
  });

  it.each<[what: string, project: KnownInstance['project'], holds: boolean | null, reason: RegExp]>([
    ['told', { value: 'alpha', ...said }, true, /project alpha/],
    ['told twice', { value: null, ...said }, null, /Two projects/],
    ['not told', null, null, /No source/],
  ])('says of a project that is %s whose instance it is, and by whom it was told', (_what, project, holds, reason) => {
    const fact = factOf(anAccess({ instance: anInstance([], { project }) }), 'project');
    expect(fact).toMatchObject({ holds, reason: expect.stringMatching(reason), ...(project ? said : {}) });
  });

  it.each<[reason: QuestionReason, words: RegExp]>([
    ['claim', /report/],
    ['port', /network/],
    ['dispute', /also claimed elsewhere/],
    ['late', /old message/],
    ['ending', /deletion has begun/],
    ['missing', /list/],
  ])('says why Compute is asked for the reason %s, and when', (reason, words) => {
    expect(factOf(anAccess({ question: { reason, next: LATER } }), 'question')).toMatchObject({
      holds: null,
      reason: expect.stringMatching(words),
      time: LATER,
    });
  });

  it.each<[what: string, access: Parameters<typeof anAccess>[0], holds: boolean | null, reason: RegExp]>([
    ['global', { filesystem: { scope: 'global', project: null } }, true, /every instance/],
    ['project, of it', {}, true, /project alpha, and it is one/],
    ['project, of another', { filesystem: { project: 'beta' } }, false, /project beta, and it is not one/],
    ['project, of none known', { instance: anInstance([], { project: null }) }, null, /not known/],
    [
      'instance, connected',
      { filesystem: { scope: 'instance', project: null }, connected: LATER },
      true,
      /and it is one/,
    ],
    ['instance, not connected', { filesystem: { scope: 'instance', project: null } }, false, /and it is not one/],
  ])('says of scope %s whether it takes the instance in', (_what, access, holds, reason) => {
    expect(factOf(anAccess(access), 'scope')).toMatchObject({ holds, reason: expect.stringMatching(reason) });
  });

  it('says since when it is connected', () => {
    const filesystem = { scope: 'instance', project: null } as const;
    expect(factOf(anAccess({ filesystem, connected: LATER }), 'scope').since).toBe(LATER);
    expect(factOf(anAccess({ filesystem }), 'scope').since).toBeNull();
  });

  it.each<[state: 'live' | 'suspended' | 'gone' | null, holds: boolean | null, reason: RegExp]>([
    ['live', true, /live/],
    ['suspended', false, /deletion has begun/],
    ['gone', false, /deleted/],
    [null, null, /No source/],
  ])('says of the state %s whether it is live, and by whom it was told', (state, holds, reason) => {
    const instance = anInstance([], { state: state && { value: state, ...said } });
    expect(factOf(anAccess({ instance }), 'state')).toMatchObject({
      holds,
      reason: expect.stringMatching(reason),
      ...(state ? said : {}),
    });
  });

  describe('addresses', () => {
    const rule: CountingRule = { networks: [parseCountingNetwork('10.0.0.0/8@storage')], kinds: ['fixed'] };

    it('are counted, and each says whether it counts', () => {
      const list = [anAddress('10.0.0.10', { network: 'storage' }), anAddress('10.0.0.9'), anAddress('192.0.2.1')];
      const access = anAccess({ instance: anInstance(list) });
      expect(factOf(access, 'addresses', rule)).toMatchObject({
        holds: true,
        reason: 'Addresses that count: 1 of 3.',
        ...said,
      });
      expect(factsOf(access, 'address', rule).map(({ address, counts, holds }) => [address, counts, holds])).toEqual([
        ['10.0.0.9', false, null],
        ['10.0.0.10', true, true],
        ['192.0.2.1', false, false],
      ]);
    });

    it.each<[what: string, addresses: KnownInstance['addresses'], holds: boolean | null, reason: RegExp]>([
      ['none', { value: [], ...said }, false, /has no address/],
      ['none that counts', { value: [anAddress('192.0.2.1')], ...said }, false, /0 of 1/],
      ['none told', null, null, /No source/],
    ])('do not hold where there is %s', (_what, addresses, holds, reason) => {
      const access = anAccess({ instance: anInstance([], { addresses }), entries: new Map() });
      expect(factOf(access, 'addresses', rule)).toMatchObject({ holds, reason: expect.stringMatching(reason) });
    });

    it('above the limit are left out', () => {
      const access = anAccess({ instance: anInstance(['10.0.0.1', '10.0.0.2', '10.0.0.3']) });
      const facts = factsOf(access, 'address', { ...EVERY, mostPerInstance: 2 });
      expect(facts.map(({ counts }) => counts)).toEqual([true, true, false]);
      expect(facts.at(-1)?.reason).toBe(SURPLUS);
    });
  });

  describe('dispute', () => {
    const disputed = new Set(['10.0.0.1', '10.9.9.9']);
    it('is told of each address, and not who else claims it', () => {
      const access = anAccess({ instance: anInstance(['10.0.0.1', '10.0.0.2']), disputed });
      expect(factsOf(access, 'dispute')).toEqual([
        { fact: 'dispute', address: '10.0.0.1', holds: false, reason: DISPUTED },
      ]);
    });
    it('is none of an address that does not count', () => {
      const rule: CountingRule = { networks: [], kinds: ['fixed'] };
      expect(factsOf(anAccess({ disputed }), 'dispute', rule)).toMatchObject([{ holds: true }]);
    });
    it.each<[what: string, access: Parameters<typeof anAccess>[0]]>([
      ['the scope does not take in', { filesystem: { project: 'beta' } }],
      ['is not live', { instance: anInstance(undefined, { state: { value: 'suspended', ...said } }) }],
      ['has a filesystem that is being deleted', { filesystem: { deletionWanted: true }, deletionWanted: T }],
    ])('says nothing of an instance that %s', (_what, access) => {
      expect(factsOf(anAccess({ ...access, disputed }), 'dispute')).toMatchObject([{ holds: null }]);
    });
  });

  describe('backend', () => {
    const none = new Map<string, Date>();
    it('says since when it lets an address in', () => {
      expect(factOf(anAccess(), 'backend')).toEqual({
        fact: 'backend',
        address: '10.0.0.1',
        holds: true,
        reason: 'The backend lets it in.',
        since: LATER,
      });
    });
    it('does not let it in yet', () => {
      expect(factOf(anAccess({ entries: none }), 'backend')).toMatchObject({
        holds: false,
        reason: expect.stringMatching(/yet/),
      });
    });
    it('may still let in what it should not', () => {
      const filesystem = { project: 'beta' };
      const entries = new Map([['10.0.0.7', T]]);
      expect(factsOf(anAccess({ filesystem, entries }), 'backend')).toMatchObject([
        { address: '10.0.0.1', holds: false, reason: 'The backend does not let it in.' },
        { address: '10.0.0.7', holds: true, reason: expect.stringMatching(/may still/), since: T },
      ]);
    });
    it('refuses an address, and says why and since when', () => {
      const faults = new Map([['10.0.0.1', { message: 'Too many clients.', created: T }]]);
      expect(factOf(anAccess({ entries: none, faults }), 'backend')).toMatchObject({
        holds: false,
        reason: 'The backend refuses it: Too many clients.',
        since: T,
      });
    });
    it('does not tell a refusal of an address that is somebody else’s to be let in', () => {
      const faults = new Map([['10.0.0.1', { message: 'Too many clients.', created: T }]]);
      const filesystem = { project: 'beta' };
      expect(factOf(anAccess({ entries: none, faults, filesystem }), 'backend').reason).not.toMatch(/Too many/);
    });
    it.each([DISPUTED, SURPLUS])('takes %j that is over for no refusal', (message) => {
      const faults = new Map([['10.0.0.1', { message, created: T }]]);
      expect(factOf(anAccess({ entries: none, faults }), 'backend').reason).toMatch(/yet/);
    });
  });

  it('says whether the backend has the desired revision', () => {
    expect(factOf(anAccess(), 'revision')).toMatchObject({ holds: true, desired: 3n, applied: 3n });
    expect(factOf(anAccess({ filesystem: { desiredRevision: 4n } }), 'revision')).toMatchObject({
      holds: false,
      desired: 4n,
      applied: 3n,
    });
  });

  it('tells the fault, and the operator’s words where it may', () => {
    const filesystem = { fault: { message: 'It is tried again.', created: T } };
    expect(factOf(anAccess({ filesystem }), 'error')).toEqual({
      fact: 'error',
      holds: false,
      reason: 'It is tried again.',
      since: T,
    });
    expect(factOf(anAccess({ filesystem, attempt: { lastError: 'EIO' } }), 'error').lastError).toBe('EIO');
    expect(factOf(anAccess(), 'error')).not.toHaveProperty('lastError');
  });

  it.each<[what: string, attempt: Partial<ExplainedAccess['attempt']>, holds: boolean | null, time: Date | null]>([
    ['nothing to do', {}, true, null],
    ['due', { next: LATER }, null, LATER],
    ['worked on', { next: LATER, leased: true }, null, LATER],
    ['backing off', { next: LATER, failures: 2 }, null, LATER],
    ['parked', { failures: 1 }, null, null],
    ['given up', { failed: true, failures: 3 }, false, null],
  ])('says of a filesystem that is %s when it is worked on', (_what, attempt, holds, time) => {
    expect(factOf(anAccess({ attempt }), 'next_attempt')).toMatchObject({ holds, time });
  });

  it('says that nobody is to be let in where it is being deleted', () => {
    const access = anAccess({ filesystem: { deletionWanted: true }, deletionWanted: T });
    expect(factOf(access, 'deletion')).toMatchObject({ holds: false, since: T });
    expect(factOf(access, 'backend').reason).toMatch(/may still/);
  });
});
