import { parseArgs } from 'node:util';

/** What the command line asks for. */
export type Asked =
  | { readonly kind: 'run' | 'help' | 'version' }
  | { readonly kind: 'wrong'; readonly message: string };

export const HELP = `Usage: nova-shared-filesystem [--help] [--version]

Serves the Shared Filesystem extension of the Compute API. Without settings it listens on
127.0.0.1:8774, with a Postgres of its own, and keeps everything in ./data.

Settings are environment variables: PORT, HOST, DATA_DIR, DATABASE_URL, IDENTITY, BACKENDS,
NETWORKS and others; docs/configuration.md has them all.

  -h, --help     this text
  -v, --version  the version
`;

/** Reads the command line, without the program's own two words. */
export function readArguments(words: readonly string[]): Asked {
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
