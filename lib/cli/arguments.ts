import { parseArgs } from 'node:util';

/** What the command line asks for. */
export type Asked =
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

/** What `parseArgs` finds: every option is a text that may be repeated. */
type Options = Readonly<Record<string, readonly string[] | undefined>>;

/** A command of the command line. */
interface Command {
  /** A line of `--help`: how it is written, and what it does. */
  readonly usage: string;
  readonly help: string;
  /** Its options, without their dashes. Each takes a text, and may be repeated. */
  readonly options: readonly string[];
  /** How many words it takes beside its options. */
  readonly words: number;
  /** @throws Error with words for the operator */
  read(options: Options, words: readonly string[]): Asked;
}

/** All commands, by name. Without one the gateway is served. */
const COMMANDS: Readonly<Record<string, Command>> = {
  reconcile: {
    usage: 'reconcile --backend NAME [--backend NAME ...]',
    help: 'works on these backends of BACKENDS, and serves no API (docs/filers.md)',
    options: ['backend'],
    words: 0,
    read: ({ backend: backends = [] }) => {
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
    read: ({ 'grant-reconciler': granted = [], 'revoke-reconciler': revoked = [], backend: backends = [] }) => {
      if (granted.length + revoked.length > 1) throw new Error('migrate changes the rights of one role at a time.');
      const [role] = granted;
      const [former] = revoked;
      if ((role !== undefined) !== backends.length > 0)
        throw new Error('--grant-reconciler ROLE and --backend NAME belong together: which backends it works on.');
      if (role !== undefined) return { kind: 'migrate', change: { kind: 'grant', role, backends } };
      return { kind: 'migrate', change: former === undefined ? null : { kind: 'revoke', role: former } };
    },
  },
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
  const parsed = parse(command ? rest : words, command?.options ?? []);
  if (parsed === null || parsed.words.length > (command?.words ?? 0))
    return wrong(`Unknown argument in "${words.join(' ')}": settings are environment variables, see --help.`);
  if (parsed.help) return { kind: 'help' };
  return command ? readCommand(command, parsed) : { kind: parsed.version ? 'version' : 'run' };
}

function readCommand(
  command: Command,
  { options, words }: { readonly options: Options; readonly words: string[] },
): Asked {
  if (words.length < command.words) return wrong(`Usage: nova-shared-filesystem ${command.usage}`);
  try {
    return command.read(options, words);
  } catch (error) {
    return wrong(error instanceof Error ? error.message : String(error));
  }
}

function wrong(message: string): Asked {
  return { kind: 'wrong', message };
}

/** @returns null when an option is unknown, or lacks its text */
function parse(args: readonly string[], options: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...Object.fromEntries(options.map((option) => [option, { type: 'string', multiple: true } as const])),
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean', short: 'v' },
      },
    });
    const { help = false, version = false, ...texts } = values;
    return { help, version, options: texts as Options, words: positionals }; // each is a text that may be repeated: as said above
  } catch {
    return null;
  }
}
