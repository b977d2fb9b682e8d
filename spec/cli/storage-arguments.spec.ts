import { readArguments } from '../../lib/cli/arguments';
import { orphanJson, orphanTable } from '../../lib/cli/storage-report';

const ID = '6f1c2b1a-0d5e-4c53-9d2e-7f4a1b2c3d4e';

describe('the command line of storage', () => {
  it.each<[string, object]>([
    ['orphans', { kind: 'orphans', backend: undefined, json: false }],
    ['orphans --backend filer1 --json', { kind: 'orphans', backend: 'filer1', json: true }],
    [`adopt ${ID}`, { kind: 'adopt', id: ID, wish: {}, backend: undefined, json: false }],
    [
      `adopt ${ID} --name a --owner b --scope project --project c --size 4Gb`,
      { kind: 'adopt', id: ID, wish: { name: 'a', owner: 'b', scope: 'project', project: 'c', size: '4Gb' } },
    ],
    [`recreate ${ID} --backend filer1`, { kind: 'recreate', id: ID, backend: 'filer1', json: false }],
    ['adopt --help', { kind: 'help' }],
  ])('takes %s', (line, asked) => {
    expect(readArguments(line.split(' '))).toMatchObject(asked);
  });

  it.each([
    'orphans filer1',
    'orphans --all',
    'adopt',
    'adopt ../../etc',
    `adopt ${ID} ${ID}`,
    `adopt ${ID} --size`,
    `recreate ${ID} --name a`,
    'recreate',
  ])('refuses %s', (line) => {
    expect(readArguments(line.split(' '))).toMatchObject({ kind: 'wrong', message: expect.any(String) });
  });
});

describe('the list of orphans', () => {
  const record = { name: 'a\u001b[2J', owner: 'demo', scope: 'global', project: null, size: '4Gb', revision: 7n };
  const orphans = [
    { backend: 'filer1', id: ID, retired: false, record, addresses: ['10.0.0.1', 'fd00::1'] },
    { backend: 'filer2', id: ID, retired: true, record: null, addresses: [] },
  ];

  it('is a table, in which nothing moves the cursor', () => {
    expect(orphanTable(orphans, ['default'])).toBe(`\
BACKEND  ID                                    STATE       NAME   OWNER  SCOPE   PROJECT  SIZE  REVISION  LETS IN
filer1   ${ID}  in service  a?[2J  demo   global  -        4Gb   7         2
filer2   ${ID}  retired     -      -      -       -        -     -         0
`);
    expect(orphanTable([], ['a', 'b'])).toBe('No volume stands without a row on a, b.\n');
  });

  it('is a list of JSON for programs', () => {
    expect(JSON.parse(orphanJson(orphans))).toEqual([
      {
        backend: 'filer1',
        id: ID,
        state: 'in service',
        name: 'a\u001b[2J',
        owner: 'demo',
        scope: 'global',
        project: null,
        size: '4Gb',
        revision: 7,
        number: null,
        addresses: ['10.0.0.1', 'fd00::1'],
      },
      expect.objectContaining({ backend: 'filer2', state: 'retired', name: null, revision: null, addresses: [] }),
    ]);
  });
});
