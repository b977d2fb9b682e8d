import { type CountingRule, parseCountingNetwork } from '../../lib/domain/address';
import { entitlement, isEntitled } from '../../lib/domain/entitlement';
import type { Scope } from '../../lib/domain/filesystem';
import type { InstanceState, KnownInstance } from '../../lib/domain/instance';
import { anAddress } from '../support/an-address';

const EVERY: CountingRule = { networks: null, kinds: ['fixed'] };
const said = { time: new Date(0), source: 'notification' } as const;

/** A live one of project alpha. */
const anInstance = (
  id: string,
  {
    project = 'alpha',
    state = 'live',
    addresses = [],
  }: { project?: string | null; state?: InstanceState | null; addresses?: readonly string[] | null } = {},
): KnownInstance => ({
  id,
  project: { value: project, ...said },
  state: state && { value: state, ...said },
  addresses: addresses && { value: addresses.map((address) => anAddress(address)), ...said },
  liveUntil: null,
});
const of = (scope: Scope, project: string | null = scope === 'project' ? 'alpha' : null) => ({ scope, project });

const here = (id: string, ...addresses: string[]) => anInstance(id, { addresses });
const elsewhere = (id: string, ...addresses: string[]) => anInstance(id, { project: 'beta', addresses });
const ofProject = (instances: readonly KnownInstance[], rule = EVERY) =>
  entitlement(of('project'), instances, new Set(), rule);

describe('isEntitled', () => {
  const connected = new Set(['i-1']);

  it.each<[what: string, scope: Scope, instance: KnownInstance, expected: boolean]>([
    ['any live one', 'global', anInstance('i-2', { project: 'beta' }), true],
    ['one of no known project', 'global', anInstance('i-2', { project: null }), true],
    ['one of the project', 'project', anInstance('i-2'), true],
    ['one of another project', 'project', anInstance('i-2', { project: 'beta' }), false],
    ['one of no known project', 'project', anInstance('i-2', { project: null }), false],
    ['one that is connected, of another project', 'project', anInstance('i-1', { project: 'beta' }), false],
    ['one that is connected', 'instance', anInstance('i-1'), true],
    ['one that is not connected', 'instance', anInstance('i-2'), false],
    ['a suspended one', 'global', anInstance('i-1', { state: 'suspended' }), false],
    ['a suspended one that is connected', 'instance', anInstance('i-1', { state: 'suspended' }), false],
    ['one that is gone', 'project', anInstance('i-1', { state: 'gone' }), false],
    ['one of which no state is known', 'global', anInstance('i-1', { state: null }), false],
  ])('%s, of scope %s', (_what, scope, instance, expected) => {
    expect(isEntitled(of(scope), instance, connected)).toBe(expected);
  });

  it('entitles nobody by a project that neither has', () => {
    expect(isEntitled(of('project', null), anInstance('i-1', { project: null }), new Set())).toBe(false);
  });
});

describe('entitlement', () => {
  it('has the addresses of the entitled as numbers, each once', () => {
    expect(
      ofProject([here('i-1', '10.0.0.10', 'fd00::1'), here('i-2', '10.0.0.9'), elsewhere('i-3', '10.0.0.1')]),
    ).toEqual({
      addresses: ['10.0.0.9', '10.0.0.10', 'fd00::1'],
      disputed: [],
      surplus: [],
    });
  });

  it('keeps out an address that an instance without a title claims too', () => {
    expect(ofProject([here('i-1', '10.0.0.1', '10.0.0.2'), elsewhere('i-2', '10.0.0.1')])).toEqual({
      addresses: ['10.0.0.2'],
      disputed: ['10.0.0.1'],
      surplus: [],
    });
  });

  it.each<[what: string, claimant: KnownInstance]>([
    ['another that is entitled', here('i-2', '10.0.0.1')],
    ['one that is gone', anInstance('i-2', { project: 'beta', state: 'gone', addresses: ['10.0.0.1'] })],
    ['one that is suspended', anInstance('i-2', { project: 'beta', state: 'suspended', addresses: ['10.0.0.1'] })],
    ['one whose addresses are not known', anInstance('i-2', { project: 'beta', addresses: null })],
  ])('lets in an address beside %s', (_what, claimant) => {
    expect(ofProject([here('i-1', '10.0.0.1'), claimant])).toEqual({
      addresses: ['10.0.0.1'],
      disputed: [],
      surplus: [],
    });
  });

  it('does not hear claims on networks that do not count', () => {
    const rule: CountingRule = { networks: [parseCountingNetwork('10.0.0.0/8@storage')], kinds: ['fixed'] };
    const counting = anInstance('i-1');
    const address = { ...said, value: [anAddress('10.0.0.1', { network: 'storage' })] };
    const claimant = elsewhere('i-2', '10.0.0.1'); // of a network that nobody knows
    expect(ofProject([{ ...counting, addresses: address }, claimant], rule).addresses).toEqual(['10.0.0.1']);
    expect(ofProject([{ ...counting, addresses: address }], EVERY).addresses).toEqual(['10.0.0.1']);
    expect(ofProject([here('i-1', '10.0.0.1')], rule)).toEqual({ addresses: [], disputed: [], surplus: [] });
  });

  it('lets in nobody where nobody is known', () => {
    expect(entitlement(of('global'), [], new Set(), EVERY)).toEqual({ addresses: [], disputed: [], surplus: [] });
  });
});
