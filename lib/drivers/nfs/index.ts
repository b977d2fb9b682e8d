import { isIPv6 } from 'node:net';
import * as path from 'node:path';
import { parseAddress } from '../../domain/address';
import type { Driver } from '../../ports/driver';
import type { ProcessIdentity } from '../../ports/process';
import type { Command, Settings } from '../settings';
import { NfsDriver } from './driver';
import { ExportFiles } from './export-files';
import { DEFAULT_OPTIONS, exportOptions } from './exports-options';
import { ExportsServer } from './exports-server';
import { createGanesha } from './ganesha-settings';
import { Reload } from './reload';
import { readVolumes } from './volumes-settings';

const EXPORTFS: Command = ['/usr/sbin/exportfs', '-ra'];
/** What may stand in an export location: a path without blanks. */
const EXPORT_PATH = /^(\/[A-Za-z0-9._-]+)+$/;

/**
 * Reads the settings of a backend with driver `nfs` (docs/drivers.md).
 * @throws Error naming a setting that is wrong
 */
export function createNfsDriver(settings: Settings, text: string, self: ProcessIdentity): Driver {
  const kind = settings.word('server', ['exports-file', 'ganesha']);
  const { storage, exported, mounted } = readVolumes(settings.inner('volumes'));

  if (kind === 'ganesha') {
    const { server, host, address } = createGanesha(settings.inner('ganesha'), exported, self);
    settings.end();
    return new NfsDriver(storage, server, address, text, ownAddresses(host));
  }

  const exports = settings.inner('exports');
  const directory = path.resolve(exports.text('directory'));
  const host = exports.host('exportAddress');
  const exportPath = exports.text('exportPath', exported);
  if (exportPath !== exported && !EXPORT_PATH.test(exportPath))
    throw exports.wrong('exportPath', 'expected an absolute path of A-Z a-z 0-9 . _ - without a slash at its end');
  const options = exportOptions(exports.texts('options', DEFAULT_OPTIONS), mounted);
  const command = exports.command('reload', EXPORTFS);
  const table = path.resolve(exports.text('table', '/var/lib/nfs/etab'));
  exports.end();
  settings.end();

  return new NfsDriver(
    storage,
    new ExportsServer(new ExportFiles(directory, '.exports', self), options, command && new Reload(command, table)),
    { host: isIPv6(host) ? `[${host}]` : host, path: exportPath },
    text,
    ownAddresses(host),
  );
}

/** None where it is a name. */
function ownAddresses(host: string): readonly string[] {
  const own = parseAddress(host);
  return own === null ? [] : [own];
}
