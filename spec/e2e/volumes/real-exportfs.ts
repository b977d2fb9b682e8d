import { existsSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import * as path from 'node:path';

const EXPORTFS = '/usr/sbin/exportfs';

/**
 * The real exportfs in a mount namespace of its own: it reads exports from `exports` below the folder alone, and keeps its
 * table in `nfs`. Needs no nfsd in the kernel.
 */
export async function exportfsIn(folder: string): Promise<string> {
  if (!existsSync(EXPORTFS)) throw new Error(`${EXPORTFS} is missing: install nfs-kernel-server`);
  const program = path.join(folder, 'exportfs');
  const user = process.getuid?.() === 0 ? '' : '--map-root-user';
  const inside = [
    'mount -t tmpfs tmpfs /etc && mkdir /etc/exports.d',
    `mount --bind '${folder}/exports' /etc/exports.d`,
    `mount --bind '${folder}/nfs' /var/lib/nfs`,
    `exec ${EXPORTFS} "$@"`,
  ].join(' && ');
  await writeFile(
    program,
    `#!/bin/sh\nexec unshare --mount ${user} sh -c "${inside.replaceAll(/["$]/g, '\\$&')}" sh "$@"\n`,
  );
  await chmod(program, 0o755);
  for (const name of ['exports', 'nfs']) await mkdir(path.join(folder, name));
  await writeFile(path.join(folder, 'nfs', 'etab'), '');
  return program;
}
