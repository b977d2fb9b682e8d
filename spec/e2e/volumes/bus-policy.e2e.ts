import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import * as path from 'node:path';
import { EXPORT_MANAGER } from '../../../lib/drivers/nfs/export-manager';
import { Ganesha } from '../storage/ganesha';
import { StorageLab } from '../storage/lab';

const SAMPLE = path.resolve(__dirname, '../../../docs/filer/ganesha-dbus-policy.conf');
const ALLOWED = { name: 'nobody', uid: 65_534 };
/** An account of Debian. */
const OTHER = { name: 'daemon', uid: 1 };

/** A bus as a system's is: nobody calls anybody but where a policy says so. The sample's account is one that is there. */
const busConfiguration = (
  socket: string,
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
  <policy user="root"><allow own="org.ganesha.nfsd"/></policy>
  <include>${path.join(path.dirname(socket), 'sample.conf')}</include>
</busconfig>
`;

describe('the D-Bus policy of docs/filer', () => {
  let lab: StorageLab;
  let ganesha: Ganesha;
  beforeAll(async () => {
    lab = await StorageLab.make({ instances: 0 });
    ganesha = new Ganesha(lab);
    const sample = readFileSync(SAMPLE, 'utf8').replace('user="nova-shared-filesystem"', `user="${ALLOWED.name}"`);
    await writeFile(path.join(lab.folder, 'sample.conf'), sample);
    await writeFile(path.join(lab.folder, 'bus.conf'), busConfiguration(path.join(lab.folder, 'bus')));
    await ganesha.start();
  });
  afterAll(() => lab?.remove());

  /** What dbus-send says, as an account. */
  const send = (uid: number, object: string, method: string): Promise<string> =>
    new Promise((resolve) =>
      execFile(
        'setpriv',
        [
          `--reuid=${uid}`,
          `--regid=${uid}`,
          '--clear-groups',
          'dbus-send',
          `--bus=${ganesha.bus}`,
          '--print-reply',
          `--dest=${EXPORT_MANAGER.destination}`,
          object,
          method,
        ],
        (_, stdout, stderr) => resolve(stdout + stderr),
      ),
    );
  const showExports = `${EXPORT_MANAGER.interface}.ShowExports`;

  it('lets the reconciler’s account call the export manager', async () => {
    expect(await send(ALLOWED.uid, EXPORT_MANAGER.path, showExports)).toMatch(/^method return/);
  });
  it.each([
    ['shut the server down', '/org/ganesha/nfsd/admin', 'org.ganesha.nfsd.admin.shutdown'],
    ['purge its caches', '/org/ganesha/nfsd/admin', 'org.ganesha.nfsd.admin.purge_netgroups'],
    ['list its clients', '/org/ganesha/nfsd/ClientMgr', 'org.ganesha.nfsd.clientmgr.ShowClients'],
    ['change its settings', EXPORT_MANAGER.path, 'org.freedesktop.DBus.Properties.GetAll'],
  ])('does not let it %s', async (_, object, method) => {
    expect(await send(ALLOWED.uid, object, method)).toMatch(/org\.freedesktop\.DBus\.Error\.AccessDenied/);
  });
  it('lets nobody else call it', async () => {
    expect(await send(OTHER.uid, EXPORT_MANAGER.path, showExports)).toMatch(/AccessDenied/);
  });
});
