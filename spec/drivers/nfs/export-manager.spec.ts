import { BusError } from '../../../lib/drivers/nfs/dbus';
import { ExportManager } from '../../../lib/drivers/nfs/export-manager';

const signal = new AbortController().signal;
const ERROR = 'org.freedesktop.DBus.Error.';

/** A bus that gives one answer, as Ganesha 4.3 was recorded to give it. */
function answering(answer: readonly unknown[] | Error) {
  const calls: unknown[] = [];
  const manager = new ExportManager({
    call: async (member, signature, args) => {
      calls.push([member, signature, ...args]);
      if (answer instanceof Error) throw answer;
      return answer;
    },
  });
  return { manager, calls };
}

describe('ExportManager.update', () => {
  it('asks for one export out of its own file', async () => {
    const { manager, calls } = answering(['1 exports updated']);
    await manager.update('/exports/x.conf', 7, signal);
    expect(calls).toEqual([['UpdateExport', 'ss', '/exports/x.conf', 'EXPORT(Export_Id=7)']]);
  });
  it.each([
    [
      'errors in an answer that is none',
      ['1 exports updated. Errors found: Config File: 1 validation errors in block Client'],
    ],
    ['no export', ['0 exports updated']],
    ['more than the one', ['2 exports updated']],
    ['nothing', []],
    ['a bad address', new BusError(`${ERROR}InvalidFileContent`, 'IPv4 addr (10.99.0.300) not in presentation format')],
    ['a block without an end', new BusError(`${ERROR}InvalidArgs`, 'Error finding exports')],
    [
      'no server',
      new BusError(`${ERROR}ServiceUnknown`, 'The name org.ganesha.nfsd was not provided by any .service files'),
    ],
  ])('takes %s for an error', async (_, answer) => {
    await expect(answering(answer).manager.update('/exports/x.conf', 7, signal)).rejects.toThrow();
  });
  it.each([0, 65_536, 1.5, Number.NaN])('never asks for %d', async (number) => {
    const { manager, calls } = answering(['1 exports updated']);
    await expect(manager.update('/exports/x.conf', number, signal)).rejects.toThrow('no Export_Id');
    expect(calls).toEqual([]);
  });
});

describe('ExportManager.remove', () => {
  it('has removed it', async () => {
    const { manager, calls } = answering([]);
    expect(await manager.remove(7, signal)).toBe(true);
    expect(calls).toEqual([['RemoveExport', 'q', 7]]);
  });
  it('is done where there is none', async () => {
    const answer = new BusError(`${ERROR}InvalidArgs`, 'lookup_export failed with Export id not found');
    expect(await answering(answer).manager.remove(7, signal)).toBe(false);
  });
  it('fails for anything else', async () => {
    const answer = new BusError(`${ERROR}InvalidArgs`, 'something else');
    await expect(answering(answer).manager.remove(7, signal)).rejects.toThrow('something else');
  });
});

describe('ExportManager.show', () => {
  it('tells the path and the clients, as the server writes them', async () => {
    const client = (text: string) => [text, 0, 0, 255, 1, 4_294_967_294, 4_294_967_294, 0, 53_490_146, 480];
    const answer = [7, '/srv/volumes/x', '/srv/volumes/x', '', [client('10.99.0.11/32'), client('fd00:99::b/128')]];
    expect(await answering(answer).manager.show(7, signal)).toEqual({
      number: 7,
      path: '/srv/volumes/x',
      clients: ['10.99.0.11/32', 'fd00:99::b/128'],
    });
  });
  it('tells that there is none', async () => {
    const answer = new BusError(`${ERROR}InvalidArgs`, 'lookup_export failed with Export id not found');
    expect(await answering(answer).manager.show(7, signal)).toBeNull();
  });
  it.each([
    ['another export', [8, '/srv/volumes/x', '', '', []]],
    ['no list', [7, '/srv/volumes/x', '', '']],
    ['nothing', []],
  ])('takes %s for an error, and never for nobody', async (_, answer) => {
    await expect(answering(answer).manager.show(7, signal)).rejects.toThrow('does not know');
  });
});

describe('ExportManager.answers', () => {
  it('asks for the one export that is always there, and not for all', async () => {
    const { manager, calls } = answering([0, '/', '/', '', []]);
    await manager.answers(signal);
    expect(calls).toEqual([['DisplayExport', 'q', 0]]);
  });
  it('takes for an answer that there is none', async () => {
    const answer = new BusError(`${ERROR}InvalidArgs`, 'lookup_export failed with Export id not found');
    await expect(answering(answer).manager.answers(signal)).resolves.toBeUndefined();
  });
  it('fails for anything else', async () => {
    await expect(answering(new BusError(`${ERROR}AccessDenied`, 'no')).manager.answers(signal)).rejects.toThrow('no');
  });
});

describe('ExportManager.list', () => {
  it('tells all exports, the server’s own root too', async () => {
    const answer = [
      [1n, 2n],
      [
        [7, '/srv/volumes/x', [], [0n, 0n]],
        [0, '/', [], [0n, 0n]],
      ],
    ];
    expect(await answering(answer).manager.list(signal)).toEqual([
      { number: 7, path: '/srv/volumes/x' },
      { number: 0, path: '/' },
    ]);
  });
  it('takes an answer without a list for an error', async () => {
    await expect(answering([[1n, 2n]]).manager.list(signal)).rejects.toThrow('does not know');
  });
});
