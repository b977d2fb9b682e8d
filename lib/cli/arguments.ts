import { parseArgs } from 'node:util';
import type { Command, Said } from './command';
import { STORAGE_COMMANDS, type StorageAsked } from './storage-arguments';

/** What the command line asks for. */
export type Asked =
  | StorageAsked
  | { readonly kind: 'run' | 'help' | 'version' }
  | { readonly kind: 'wrong'; readonly message: string }
  /** The reconciler alone, of these backends. */
  | { readonly kind: 'reconcile'; readonly backends: readonly string[] }
  /** The schema alone; and the rights of a reconciler's database role. */
  | { readonly kind: 'migrate'; readonly change: RoleChange | null };

/** What is done with the rights of a reconciler's database role. */
export type RoleChange =
  | { readonly kind: 'grant'; readonly role: string; readonly backends: readonly string[] }
  | { readonly kind: 'revoke'; readonly role: string };

/** All commands, by name. Without one the gateway is served. */
const COMMANDS: Readonly<Record<string, Command<Asked>>> = {
  reconcile: {
    usage: 'reconcile --backend NAME [--backend NAME ...]',
    help: 'works on these backends of BACKENDS, and serves no API (docs/filers.md)',
    options: ['backend'],
    words: 0,
    read: ({ texts: { backend: backends = [] } }) => {
      if (backends.length === 0)
        throw new Error('reconcile needs --backend NAME: which backends of BACKENDS to work on.');
      return { kind: 'reconcile', backends };
    },
  },
  migrate: {
    usage: 'migrate [--grant-reconciler ROLE --backend NAME ... | --revoke-reconciler ROLE]',
    help: "brings the database's schema to this version; gives a role what reconcile needs",
    options: ['grant-reconciler', 'revoke-reconciler', 'backend'],
    words: 0,
    read: ({ texts: { 'grant-reconciler': granted = [], 'revoke-reconciler': revoked = [], backend = [] } }) => {
      if (granted.length + revoked.length > 1) throw new Error('migrate changes the rights of one role at a time.');
      const [role] = granted;
      const [former] = revoked;
      if ((role !== undefined) !== backend.length > 0)
        throw new Error('--grant-reconciler ROLE and --backend NAME belong together: which backends it works on.');
      if (role !== undefined) return { kind: 'migrate', change: { kind: 'grant', role, backends: backend } };
      return { kind: 'migrate', change: former === undefined ? null : { kind: 'revoke', role: former } };
    },
  },
  ...STORAGE_COMMANDS,
};

const COMMAND_LINES = Object.values(COMMANDS)
  .map(({ usage, help }) => `  ${usage}\n      ${help}`)
  .join('\n');

export const HELP = `Usage: nova-shared-filesystem [COMMAND] [--help] [--version]

Serves the Shared Filesystem extension of the Compute API. Without settings it listens on
127.0.0.1:8774, with a Postgres of its own, and keeps everything in ./data.

Commands, instead of serving:
${COMMAND_LINES}

Settings are environment variables: PORT, HOST, DATA_DIR, DATABASE_URL, IDENTITY, BACKENDS,
NETWORKS and others; docs/configuration.md has them all.

  -h, --help     this text
  -v, --version  the version
`;

/** Reads the command line, without the program's own two words. */
export function readArguments(words: readonly string[]): Asked {
  const [name = '', ...rest] = words;
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  const said = parse(command ? rest : words, command);
  if (said === null || said.words.length > (command?.words ?? 0))
    return wrong(`Unknown argument in "${words.join(' ')}": settings are environment variables, see --help.`);
  if (said.flags.has('help')) return { kind: 'help' };
  return command ? readCommand(command, said) : { kind: said.flags.has('version') ? 'version' : 'run' };
}

function readCommand(command: Command<Asked>, said: Said): Asked {
  if (said.words.length < command.words) return wrong(`Usage: nova-shared-filesystem ${command.usage}`);
  try {
    return command.read(said);
  } catch (error) {
    return wrong(error instanceof Error ? error.message : String(error));
  }
}

function wrong(message: string): Asked {
  return { kind: 'wrong', message };
}

/** @returns null when an option is unknown, or lacks its text */
function parse(args: readonly string[], command: Command<Asked> | undefined): Said | null {
  const { options = [], flags = [] } = command ?? {};
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...Object.fromEntries(options.map((option) => [option, { type: 'string', multiple: true } as const])),
        ...Object.fromEntries(flags.map((flag) => [flag, { type: 'boolean' } as const])),
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean', short: 'v' },
      },
    });
    const said: Readonly<Record<string, unknown>> = values;
    const isSaid = (name: string) => said[name] === true;
    return {
      texts: Object.fromEntries(options.map((option) => [option, said[option] as string[] | undefined])), // as said above
      flags: new Set([...flags, 'help', 'version'].filter(isSaid)),
      words: positionals,
    };
  } catch {
    return null;
  }
}
