import { parseArgs } from 'node:util';
import { readStorageArguments, type StorageAsked } from './storage-arguments';

/** What the command line asks for. */
export type Asked =
  | StorageAsked
  | { readonly kind: 'run' | 'help' | 'version' }
  | { readonly kind: 'wrong'; readonly message: string };

export const HELP = `Usage: nova-shared-filesystem [--help] [--version]
       nova-shared-filesystem orphans [--backend NAME] [--json]
       nova-shared-filesystem adopt ID [--name NAME] [--owner PROJECT] [--scope SCOPE]
                              [--project PROJECT] [--size SIZE] [--backend NAME] [--json]
       nova-shared-filesystem recreate ID [--backend NAME] [--json]

Serves the Shared Filesystem extension of the Compute API. Without settings it listens on
127.0.0.1:8774, with a Postgres of its own, and keeps everything in ./data.

Settings are environment variables: PORT, HOST, DATA_DIR, DATABASE_URL, IDENTITY, BACKENDS,
NETWORKS and others; docs/configuration.md has them all.

orphans lists the volumes that stand on a backend without a filesystem, adopt makes the
filesystem of one from the record beside it, recreate allows a new, empty volume for one whose
volume is lost for good. They run where the storage is, with the gateway's own settings, beside
it or without it (docs/operations.md).

  -h, --help     this text
  -v, --version  the version
`;

/** Reads the command line, without the program's own two words. */
export function readArguments(words: readonly string[]): Asked {
  const storage = readStorageArguments(words);
  if (storage) return storage;
  try {
    const { values } = parseArgs({
      args: [...words],
      options: { help: { type: 'boolean', short: 'h' }, version: { type: 'boolean', short: 'v' } },
    });
    if (values.help) return { kind: 'help' };
    return { kind: values.version ? 'version' : 'run' };
  } catch {
    return {
      kind: 'wrong',
      message: `Unknown argument in "${words.join(' ')}": settings are environment variables, see --help.`,
    };
  }
}
