import { isFilesystemId } from '../domain/name';
import type { AdoptionWish } from '../sync/adopt';
import type { Command, Said } from './command';

/** What is asked about volumes and rows that have lost each other; `backend` undefined: all that are configured. */
export type StorageAsked = { readonly backend: string | undefined; readonly json: boolean } & (
  | { readonly kind: 'orphans' }
  | { readonly kind: 'adopt'; readonly id: string; readonly wish: AdoptionWish }
  | { readonly kind: 'recreate'; readonly id: string }
);

const WISH = ['name', 'owner', 'scope', 'project', 'size'] as const satisfies readonly (keyof AdoptionWish)[];

/** The commands about storage, by name (docs/operations.md). */
export const STORAGE_COMMANDS: Readonly<Record<StorageAsked['kind'], Command<StorageAsked>>> = {
  orphans: {
    usage: 'orphans [--backend NAME] [--json]',
    help: 'lists the volumes that stand on a backend without a filesystem (docs/operations.md)',
    options: ['backend'],
    flags: ['json'],
    words: 0,
    read: (said) => ({ kind: 'orphans', ...common(said) }),
  },
  adopt: {
    usage:
      'adopt ID [--name NAME] [--owner PROJECT] [--scope SCOPE] [--project PROJECT] [--size SIZE] [--backend NAME] [--json]',
    help: 'makes the filesystem of such a volume, from the record beside it',
    options: ['backend', ...WISH],
    flags: ['json'],
    words: 1,
    read: (said) => ({ kind: 'adopt', id: idOf('adopt', said), wish: wishOf(said), ...common(said) }),
  },
  recreate: {
    usage: 'recreate ID [--backend NAME] [--json]',
    help: 'allows a new, empty volume for a filesystem whose volume is lost for good',
    options: ['backend'],
    flags: ['json'],
    words: 1,
    read: (said) => ({ kind: 'recreate', id: idOf('recreate', said), ...common(said) }),
  },
};

function common(said: Said): { readonly backend: string | undefined; readonly json: boolean } {
  return { backend: once('backend', said), json: said.flags.has('json') };
}

function idOf(command: string, { words: [id = ''] }: Said): string {
  if (!isFilesystemId(id)) throw new Error(`${command} needs the id of one volume, as "orphans" lists it.`);
  return id;
}

function wishOf(said: Said): AdoptionWish {
  return Object.fromEntries(WISH.map((name) => [name, once(name, said)]));
}

/** @throws Error when it was said twice */
function once(name: string, { texts }: Said): string | undefined {
  const [text, ...more] = texts[name] ?? [];
  if (more.length > 0) throw new Error(`--${name} is said more than once.`);
  return text;
}
