import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { Ganesha } from './storage/ganesha';
import { StorageLab } from './storage/lab';

const DEBIANS = '/etc/dbus-1/system.d/nfs-ganesha-dbus.conf';
const OURS = path.resolve(__dirname, '../../docs/samples/nova-shared-filesystem-ganesha.conf');

/** As a system bus is: nobody may call anybody whom no policy allows. */
const BUS = (
  socket: string,
  files: readonly string[],
) => `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=${socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus"/>
  </policy>
  ${files.map((file) => `<include>${file}</include>`).join('\n  ')}
</busconfig>
`;

describe('the D-Bus policy of docs/samples', () => {
  let lab: StorageLab;
  let ganesha: Ganesha;
  beforeAll(async () => {
    lab = await StorageLab.make({ instances: 0 });
    ganesha = new Ganesha(lab);
    const policy = path.join(lab.folder, 'policy.conf');
    writeFileSync(
      policy,
      readFileSync(OURS, 'utf8').replace('policy user="nova-shared-filesystem"', 'policy user="nobody"'),
    );
    writeFileSync(path.join(lab.folder, 'bus.conf'), BUS(path.join(lab.folder, 'bus'), [DEBIANS, policy]));
    await ganesha.start();
  });
  afterAll(() => lab?.remove());

  const call = async (user: string, object: string, method: string, ...args: readonly string[]) =>
    promisify(execFile)('setpriv', [
      `--reuid=${user}`,
      '--clear-groups',
      'dbus-send',
      `--bus=${ganesha.bus}`,
      '--print-reply',
      '--reply-timeout=10000',
      '--dest=org.ganesha.nfsd',
      `/org/ganesha/nfsd/${object}`,
      `org.ganesha.nfsd.${method}`,
      ...args,
    ]);

  it('lets the reconciler’s user call the export manager', async () => {
    expect((await call('nobody', 'ExportMgr', 'exportmgr.ShowExports')).stdout).toContain('string "/"');
  });
  it('lets it call none of the server’s other objects', async () => {
    await expect(call('nobody', 'admin', 'admin.shutdown')).rejects.toThrow('AccessDenied');
    await expect(call('nobody', 'ClientMgr', 'clientmgr.ShowClients')).rejects.toThrow('AccessDenied');
    expect((await call('root', 'ExportMgr', 'exportmgr.ShowExports')).stdout).toContain('string "/"');
  });
  it('is no border all the same: an export of any folder is taken from it, as drivers.md says', async () => {
    const file = path.join(lab.folder, 'own.conf');
    writeFileSync(
      file,
      'EXPORT { Export_Id = 9; Path = "/"; Pseudo = "/own"; Squash = no_root_squash; FSAL { Name = VFS; } }',
    );
    const of = [`string:${file}`, 'string:EXPORT(Export_Id=9)'];
    expect((await call('nobody', 'ExportMgr', 'exportmgr.UpdateExport', ...of)).stdout).toContain('1 exports updated');
  });
  it('lets nobody else in', async () => {
    await expect(call('daemon', 'ExportMgr', 'exportmgr.ShowExports')).rejects.toThrow('AccessDenied');
  });
});
