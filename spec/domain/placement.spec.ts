import { Conflict, Unavailable } from '../../lib/domain/errors';
import {
  type Candidate,
  checkPlacement,
  type PlacementRule,
  place,
  requireIsolation,
  ruleFor,
} from '../../lib/domain/placement';

const aRule = (said: Partial<PlacementRule> = {}): PlacementRule => ({
  scope: null,
  projects: null,
  backends: ['a', 'b', 'c'],
  isolates: false,
  ...said,
});

const aCandidate = (name: string, said: Partial<Candidate> = {}): Candidate => ({
  name,
  isolates: true,
  isUp: true,
  roomBytes: 10n,
  ...said,
});

describe('ruleFor', () => {
  const rules = [
    aRule({ scope: 'project', projects: ['p'], backends: ['first'] }),
    aRule({ projects: ['p', 'q'], backends: ['second'] }),
    aRule({ scope: 'global', backends: ['third'] }),
    aRule({ backends: ['rest'] }),
  ];

  it.each([
    ['project', 'p', 'first'],
    ['instance', 'p', 'second'],
    ['global', 'q', 'second'],
    ['global', 'r', 'third'],
    ['project', 'r', 'rest'],
  ] as const)('takes for scope %s of project %s the rule of %s', (scope, owner, backend) => {
    expect(ruleFor(rules, { scope, owner }).backends).toEqual([backend]);
  });
});

describe('place', () => {
  it.each<[string, Candidate[], string]>([
    ['the one with most room', [aCandidate('a'), aCandidate('b', { roomBytes: 11n }), aCandidate('c')], 'b'],
    ['of equal ones the first of the rule', [aCandidate('c'), aCandidate('b'), aCandidate('a')], 'a'],
    ['one of known room before one of unknown', [aCandidate('a', { roomBytes: null }), aCandidate('b')], 'b'],
    [
      'one where more is promised than there is before one of unknown room',
      [aCandidate('a', { roomBytes: null }), aCandidate('b', { roomBytes: -5n })],
      'b',
    ],
    [
      'one that is up before one with more room',
      [aCandidate('a', { isUp: false, roomBytes: 99n }), aCandidate('b')],
      'b',
    ],
    [
      'one that is up, of unknown room, before one that is not',
      [aCandidate('a', { isUp: false }), aCandidate('b', { roomBytes: null })],
      'b',
    ],
    [
      'where none is up, the one with most room',
      [aCandidate('a', { isUp: false }), aCandidate('b', { isUp: false, roomBytes: 11n })],
      'b',
    ],
    ['where nothing is known, the first of the rule', [], 'a'],
  ])('takes %s', (_, candidates, name) => {
    expect(place(aRule(), candidates)).toBe(name);
  });

  it('takes none that its rule does not name', () => {
    expect(place(aRule({ backends: ['a'] }), [aCandidate('b', { roomBytes: 99n })])).toBe('a');
  });

  describe('by a rule that demands isolation', () => {
    const rule = aRule({ backends: ['a', 'b'], isolates: true });

    it('passes over those that do not declare it', () => {
      const candidates = [aCandidate('a', { isolates: false, roomBytes: 99n }), aCandidate('b', { isUp: false })];
      expect(place(rule, candidates)).toBe('b');
    });

    it('refuses for now while one has never told', () => {
      expect(() => place(rule, [aCandidate('a', { isolates: false })])).toThrow(Unavailable);
    });

    it('refuses where none does', () => {
      const candidates = ['a', 'b'].map((name) => aCandidate(name, { isolates: false }));
      expect(() => place(rule, candidates)).toThrow(Conflict);
    });
  });
});

describe('requireIsolation', () => {
  it.each([
    ['what demands none', false, aCandidate('a', { isolates: false })],
    ['a backend that isolates', true, aCandidate('a')],
  ])('lets pass %s', (_, isolates, backend) => {
    expect(() => requireIsolation(aRule({ isolates }), backend)).not.toThrow();
  });

  it.each([
    ['does not isolate', aCandidate('a', { isolates: false })],
    ['has never told', null],
  ])('refuses a backend that %s', (_, backend) => {
    expect(() => requireIsolation(aRule({ isolates: true }), backend)).toThrow(Conflict);
  });
});

describe('checkPlacement', () => {
  const known = new Map<string, boolean | null>([
    ['plain', false],
    ['isolating', true],
    ['elsewhere', null],
  ]);

  it.each<[string, PlacementRule[]]>([
    ['no rules', []],
    ['a rule for all', [aRule({ backends: ['plain'] })]],
    ['isolation that one of them has', [aRule({ backends: ['plain', 'isolating'], isolates: true })]],
    ['isolation that one of them may have', [aRule({ backends: ['plain', 'elsewhere'], isolates: true })]],
  ])('takes %s', (_, rules) => {
    expect(() => checkPlacement(rules, known)).not.toThrow();
  });

  it.each<[string, PlacementRule[], RegExp]>([
    [
      'a backend that there is not',
      [aRule({ backends: ['plain', 'none'] })],
      /^Placement rule 1 .*no backend named "none"/,
    ],
    [
      'isolation that none of them has',
      [aRule({ scope: 'global', backends: ['plain'], isolates: true }), aRule({ backends: ['plain'] })],
      /^Placement rule 1 .*no volumes of plain have a file system of their own/,
    ],
    ['no rule for the others', [aRule({ scope: 'global', backends: ['plain'] })], /rule for all others is missing/],
    [
      'a rule behind that for all',
      [aRule({ backends: ['plain'] }), aRule({ scope: 'global', backends: ['plain'] })],
      /^Placement rule 1 .*no rule behind it/,
    ],
  ])('refuses %s', (_, rules, message) => {
    expect(() => checkPlacement(rules, known)).toThrow(message);
  });
});
