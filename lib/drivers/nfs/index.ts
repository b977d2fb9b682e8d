import { isIPv6 } from 'node:net';
import * as path from 'node:path';
import { parseAddress } from '../../domain/address';
import type { Driver } from '../../ports/driver';
import type { ProcessIdentity } from '../../ports/process';
import type { Command, Settings } from '../settings';
import { NfsDriver } from './driver';
import { checkOptions, DEFAULT_OPTIONS } from './exports-options';
import { ExportsServer } from './exports-server';
import { Reload } from './reload';
import { readVolumes } from './volumes-settings';

const EXPORTFS: Command = ['/usr/sbin/exportfs', '-ra'];
/** What may stand in an export location: a name or an address, and a path without blanks. */
const HOST = /^[A-Za-z0-9.:_-]{1,253}$/;
const EXPORT_PATH = /^(\/[A-Za-z0-9._-]+)+$/;

/**
 * Reads the settings of a backend with driver `nfs` (docs/drivers.md).
 * @throws Error naming a setting that is wrong
 */
export function createNfsDriver(settings: Settings, text: string, self: ProcessIdentity): Driver {
  settings.word('server', ['exports-file']);
  const { storage, exported } = readVolumes(settings.inner('volumes'));

  const exports = settings.inner('exports');
  const directory = path.resolve(exports.text('directory'));
  const host = exports.text('exportAddress');
  if (!HOST.test(host)) throw exports.wrong('exportAddress', 'expected an address or a host name');
  const exportPath = exports.text('exportPath', exported);
  if (exportPath !== exported && !EXPORT_PATH.test(exportPath))
    throw exports.wrong('exportPath', 'expected an absolute path of A-Z a-z 0-9 . _ - without a slash at its end');
  const options = checkOptions(exports.texts('options', DEFAULT_OPTIONS));
  const command = exports.command('reload', EXPORTFS);
  const table = path.resolve(exports.text('table', '/var/lib/nfs/etab'));
  exports.end();
  settings.end();

  const own = parseAddress(host);
  return new NfsDriver(
    storage,
    new ExportsServer(directory, options, command && new Reload(command, table), self),
    { host: isIPv6(host) ? `[${host}]` : host, path: exportPath },
    text,
    own === null ? [] : [own],
  );
}
