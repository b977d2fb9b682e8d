import { coverExactly } from '../../../lib/domain/address-cover';
import { type GaneshaExport, parseGaneshaExport, renderGaneshaExport } from '../../../lib/drivers/nfs/ganesha-export';
import { readGaneshaOptions } from '../../../lib/drivers/nfs/ganesha-options';

const ID = '2f1f1a4c-3f0e-4d84-a1a5-0c9e8a7b6d5e';

function anExport(said: Partial<GaneshaExport> = {}): GaneshaExport {
  return {
    id: ID,
    name: 'mydata',
    revision: 12n,
    number: 7,
    path: `/srv/volumes/${ID}`,
    pseudo: `/volumes/${ID}`,
    options: readGaneshaOptions([]),
    clients: ['10.20.0.8/30', '10.20.0.19', 'fd00:20::13'],
    ...said,
  };
}

describe('renderGaneshaExport', () => {
  it('writes every setting out, whose it is as a comment, and who is let in in one block', () => {
    expect(renderGaneshaExport(anExport())).toBe(`# filesystem mydata
# id ${ID}
# revision 12
# Written by nova-shared-filesystem: what is changed here is written over.
EXPORT {
  Export_Id = 7;
  Path = "/srv/volumes/${ID}";
  Pseudo = "/volumes/${ID}";
  Filesystem_Id = 7.7;
  Protocols = 4;
  Transports = TCP;
  SecType = sys;
  Squash = root_squash;
  Anonymous_Uid = -2;
  Anonymous_Gid = -2;
  PrivilegedPort = true;
  Manage_Gids = false;
  Delegations = None;
  Access_Type = NONE;
  FSAL {
    Name = VFS;
  }
  CLIENT {
    Access_Type = RW;
    Clients =
      10.20.0.8/30,
      10.20.0.19,
      fd00:20::13;
  }
}
`);
  });
  it('of an empty list has no block for clients', () => {
    const text = renderGaneshaExport(anExport({ clients: [] }));
    expect(text).not.toContain('CLIENT');
    expect(text).toContain('  Access_Type = NONE;');
  });
  it('keeps a name within its comment', () => {
    const text = renderGaneshaExport(anExport({ name: 'x\nEXPORT { Export_Id = 1; }\r}"' }));
    expect(text.split('\n')[0]).toBe('# filesystem x?EXPORT???Export_Id???1??????');
    expect(text.match(/EXPORT \{/g)).toHaveLength(1);
  });
  it.each([
    ['an id that is no UUID', { id: '../../etc/passwd' }],
    ['the number 0', { number: 0 }],
    ['a number of more than 16 bits', { number: 65_536 }],
    ['a path that ends its quotes', { path: '/srv/"; Access_Type = RW; #' }],
    ['a path that goes up', { path: '/srv/../etc' }],
    ['a relative path', { path: 'srv' }],
    ['a pseudo path with a blank', { pseudo: '/volumes/a b' }],
    ['everybody', { clients: ['*'] }],
    ['a netgroup', { clients: ['@all'] }],
    ['a host name', { clients: ['gateway'] }],
    ['an address that is none', { clients: ['10.20.0.300'] }],
    ['a prefix that is none', { clients: ['10.20.0.0/33'] }],
    ['an address that ends the list', { clients: ['10.20.0.1; Access_Type = RW'] }],
    ['an IPv6 address that is not canonical', { clients: ['FD00::1'] }],
    ['an option that is not known', { options: [['Access_Type', 'RW'] as const] }],
    ['a value that is not known', { options: [['Squash', 'none; Access_Type = RW'] as const] }],
  ] as [string, Partial<GaneshaExport>][])('writes nothing for %s', (_, said) => {
    expect(() => renderGaneshaExport(anExport(said))).toThrow('an export file cannot be written');
  });
});

describe('parseGaneshaExport', () => {
  const text = renderGaneshaExport(anExport());

  it.each([
    ['an export with clients', anExport()],
    ['one without', anExport({ clients: [] })],
    ['other options', anExport({ options: readGaneshaOptions(['Squash = all_squash', 'SecType = krb5, krb5p']) })],
    ['the largest number', anExport({ number: 65_535 })],
    [
      'a long list',
      anExport({ clients: Array.from({ length: 10_000 }, (_, index) => `10.${index >> 8}.${index & 255}.1`) }),
    ],
    ['blocks', anExport({ clients: coverExactly(Array.from({ length: 77 }, (_, index) => `10.20.0.${index}`)) })],
  ])('reads %s as it was', (_, found) => {
    expect(parseGaneshaExport(renderGaneshaExport(found))).toEqual(found);
  });

  it.each([
    ['an empty file', ''],
    ['half a file', text.slice(0, text.length / 2)],
    ['a file without its last byte', text.slice(0, -1)],
    ['a file with a byte more', `${text}\n`],
    [
      'a second export',
      `${text}EXPORT { Export_Id = 8; Path = "/"; Pseudo = "/all"; Access_Type = RW; FSAL { Name = VFS; } }\n`,
    ],
    ['another block', `${text}NFS_CORE_PARAM { NFS_Port = 1; }\n`],
    ['another included file', `%include "/etc/passwd"\n${text}`],
    ['everybody as a client', text.replace('10.20.0.19', '*')],
    ['a host name', text.replace('10.20.0.19', 'gateway')],
    ['an export that is open by default', text.replace('Access_Type = NONE', 'Access_Type = RW')],
    ['no default for access', text.replace('  Access_Type = NONE;\n', '')],
    [
      'two settings for one thing',
      text.replace('  Squash = root_squash;\n', '  Squash = root_squash;\n  Squash = none;\n'),
    ],
    ['a setting that is not known', text.replace('Squash = root_squash', 'Squash = none')],
    ['a second list of clients', text.replace('  CLIENT {', '  CLIENT {\n    Clients = *;\n  }\n  CLIENT {')],
    ['a comment that is not ours', text.replace('  Export_Id', '  # by hand\n  Export_Id')],
    ['a number of its own in the file system’s id', text.replace('7.7', '7.8')],
    ['another way to write a number', text.replace('Export_Id = 7;', 'Export_Id = 007;')],
    ['an id that is no UUID', text.replaceAll(ID, 'passwd')],
    ['a path that goes up', text.replace('/srv/volumes', '/srv/../etc')],
    ['zeros, as after a power cut', '\0'.repeat(text.length)],
    ['Windows’ line ends', text.replaceAll('\n', '\r\n')],
  ])('does not read %s', (_, hostile) => {
    expect(hostile).not.toBe(text);
    expect(parseGaneshaExport(hostile)).toBeNull();
  });
});

describe('readGaneshaOptions', () => {
  it('has all that is safe where nothing is said', () => {
    expect(Object.fromEntries(readGaneshaOptions([]))).toMatchObject({
      Protocols: '4',
      Transports: 'TCP',
      SecType: 'sys',
      Squash: 'root_squash',
      PrivilegedPort: 'true',
    });
  });
  it('changes what is said, and nothing else', () => {
    const changed = new Map(readGaneshaOptions(['Squash=all_squash']));
    expect(changed.get('Squash')).toBe('all_squash');
    changed.set('Squash', 'root_squash');
    expect([...changed]).toEqual(readGaneshaOptions([]));
  });
  it.each([
    'Access_Type = RW',
    'Squash = none; Access_Type = RW',
    'Protocols = 3, 4',
    'Clients = *',
    'Squash',
    '',
    'squash = all_squash',
  ])('refuses %s', (option) => {
    expect(() => readGaneshaOptions([option])).toThrow('Unknown export option');
  });
});
