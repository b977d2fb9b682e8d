import { isIPv6 } from 'node:net';
import * as path from 'node:path';
import type { ProcessIdentity } from '../../ports/process';
import type { Settings } from '../settings';
import { DbusObject } from './dbus';
import type { NfsAddress } from './driver';
import { ExportFiles } from './export-files';
import { EXPORT_MANAGER, ExportManager } from './export-manager';
import { GaneshaCheck } from './ganesha-check';
import { PLAIN_PATH } from './ganesha-export';
import { GaneshaIndex } from './ganesha-index';
import { readGaneshaOptions } from './ganesha-options';
import { GaneshaServer } from './ganesha-server';
import { ServedExports } from './served-exports';
import type { NfsServer } from './server';

const SYSTEM_BUS = 'unix:path=/run/dbus/system_bus_socket';

/**
 * Reads the settings in the block `ganesha` (docs/drivers.md).
 * @param root of the volumes: it stands in the server's configuration
 * @throws Error naming a setting that is wrong
 */
export function createGanesha(
  settings: Settings,
  root: string,
  self: ProcessIdentity,
): { readonly server: NfsServer; readonly host: string; readonly address: NfsAddress } {
  const plain = (name: string, otherwise?: string) => {
    const value = settings.text(name, otherwise);
    if (!PLAIN_PATH.test(value))
      throw settings.wrong(
        name,
        'expected an absolute path of A-Z a-z 0-9 . _ -, each part with a letter or digit at its head, without a slash at its end',
      );
    return value;
  };
  const directory = plain('directory');
  const pseudoRoot = plain('pseudoRoot', '/volumes');
  const configuration = path.resolve(settings.text('configuration', '/etc/ganesha/ganesha.conf'));
  const host = settings.host('exportAddress');
  const bus = settings.text('bus', SYSTEM_BUS);
  if (!/^unix:path=\/[^,;]*$/.test(bus))
    throw settings.wrong('bus', `expected the address of a D-Bus, such as "${SYSTEM_BUS}"`);
  const options = readGaneshaOptions(settings.texts('options', []));
  settings.end();
  if (!PLAIN_PATH.test(root))
    throw new Error(
      `The volumes' root ${root} cannot be exported by ganesha: expected a path of A-Z a-z 0-9 . _ -, each part with a letter or digit at its head.`,
    );

  const files = new ExportFiles(directory, '.conf', self);
  const manager = new ExportManager(new DbusObject(bus, EXPORT_MANAGER));
  const check = new GaneshaCheck(directory, configuration, manager);
  return {
    server: new GaneshaServer(
      files,
      new GaneshaIndex(files),
      new ServedExports(manager),
      { pseudoRoot, options },
      check,
    ),
    host,
    address: { host: isIPv6(host) ? `[${host}]` : host, path: pseudoRoot },
  };
}
