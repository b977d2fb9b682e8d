/** What is asked of the whole backend: `VERB IDENTITY`. */
export const BACKEND_VERBS = [
  // writes the marker into storage that has none, and makes the folders
  'mark',
  // looks whether it can work; answers what it is configured for
  'check',
  // mounts all volumes, as after a start of the machine
  'mount-all',
  // what all volumes hold, and which project numbers are taken
  'usage',
] as const;
export type BackendVerb = (typeof BACKEND_VERBS)[number];

/** What is asked of one volume, `VERB ID [NUMBER]`: whether there is a number. */
export const VOLUME_VERBS = {
  /** Makes one of so many bytes; one of kind `project-quota` with this project number, and no room until `resize`. */
  create: true,
  mount: false,
  /** Sets the size, bytes. */
  resize: true,
  /** Unmounts it and sets it aside. */
  retire: false,
  restore: false,
  /** Destroys some of what was retired; answers whether all is gone. */
  purge: false,
} as const;
export type VolumeVerb = keyof typeof VOLUME_VERBS;

/** The kinds of volumes that it makes. */
export const KINDS = ['btrfs', 'project-quota', 'image'] as const;
export type Kind = (typeof KINDS)[number];

/** Names below the root of the storage. `records` belongs to whoever asks, all else to root. */
export const VOLUMES = 'volumes';
export const RETIRED = 'retired';
export const RECORDS = 'records';

/** Where volumes are mounted, if nothing else is said. */
export const MOUNTS = '/run/nova-shared-filesystem/volumes';

/** How the names of a kind's volumes end, in these folders. */
export const SUFFIX: Readonly<Record<Kind, string>> = { btrfs: '', 'project-quota': '', image: '.img' };

/** How the program ends: with 1, trying again may help. */
export const EXIT = { done: 0, failed: 1, wrongArguments: 2, terminal: 3, absent: 4 } as const;

/** Project numbers are 32 bits of the kernel's, and an `integer` of Postgres'; 0 is what every other file has. */
export const LARGEST_PROJECT = 2_147_483_647;
