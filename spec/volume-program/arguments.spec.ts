import { readRequest } from '../../lib/volume-program/arguments';

const ID = '0f8a1c52-6d1e-4f0a-9b6c-3d2e1f0a9b8c';

describe('readRequest', () => {
  it('reads a verb, a UUID, and a number where the verb has one', () => {
    expect(readRequest(['mount', ID])).toEqual({ of: 'volume', verb: 'mount', id: ID, number: 0n });
    expect(readRequest(['resize', ID, '1152921504606846976'])).toMatchObject({ verb: 'resize', number: 1024n ** 6n });
    expect(readRequest(['usage', ID])).toEqual({ of: 'backend', verb: 'usage', identity: ID });
  });

  it.each([
    [[]],
    [['mount']],
    [['mount', ID, '1']],
    [['mount', ID, '']],
    [['resize', ID]],
    [['resize', ID, '1', '2']],
    [['usage', ID, '1']],
    [['usage', ID, ID]],
    [['Mount', ID]],
    [['mount ', ID]],
    [['--help', ID]],
    [['constructor', ID]],
    [['__proto__', ID]],
    [['', ID]],
    [['mount', ID.toUpperCase()]],
    [['mount', `${ID}\n`]],
    [['mount', ` ${ID}`]],
    [['mount', `${ID}/..`]],
    [['mount', `../${ID}`]],
    [['mount', '../../etc']],
    [['mount', '/etc']],
    [['mount', '-o']],
    [['mount', '--']],
    [['mount', '.']],
    [['mount', `${ID.slice(0, -1)}g`]],
    [['mount', ID.replaceAll('-', '')]],
    [['resize', ID, '0']],
    [['resize', ID, '-1']],
    [['resize', ID, '+1']],
    [['resize', ID, '01']],
    [['resize', ID, '1e9']],
    [['resize', ID, '0x10']],
    [['resize', ID, '1.0']],
    [['resize', ID, ' 1']],
    [['resize', ID, '1\n']],
    [['resize', ID, '١']],
    [['resize', ID, '4Gb']],
    [['resize', ID, '1;id']],
    [['resize', ID, '$(id)']],
    [['resize', ID, '1152921504606846977']],
    [['resize', ID, '9'.repeat(400)]],
    [['create', ID, ID]],
  ])('takes nothing else: %j', (args) => {
    expect(() => readRequest(args)).toThrow(/^expected /);
  });
});
