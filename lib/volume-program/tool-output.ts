import { isUuid } from '../domain/uuid';

/** What btrfs counts of a subvolume, bytes. */
export interface QuotaGroup {
  readonly usedBytes: bigint;
  /** Null: none. */
  readonly limitBytes: bigint | null;
}

/** What a file system counts of a project, bytes. */
export interface Project {
  readonly usedBytes: bigint;
  /** The hard limit; 0: none. */
  readonly limitBytes: bigint;
}

/**
 * Reads `btrfs qgroup show --raw -r`: by the id of the subvolume. Groups of other levels are left out.
 * @throws Error for output that is not what this version of it is known to write
 */
export function parseQuotaGroups(text: string): ReadonlyMap<string, QuotaGroup> {
  const groups = new Map<string, QuotaGroup>();
  for (const line of linesBehind(text, /^-+(\s+-+)+\s*$/)) {
    const found = /^\d+\/\d+\s+/.test(line) ? /^(\d+)\/(\d+)\s+(\d+)\s+(\d+)\s+(\d+|none)(\s|$)/.exec(line) : null;
    if (!found) throw new Error(`btrfs qgroup show: this line cannot be read: ${line}`);
    const [, level, id = '', used = '', , limit = ''] = found;
    if (level === '0') groups.set(id, { usedBytes: BigInt(used), limitBytes: limit === 'none' ? null : BigInt(limit) });
  }
  return groups;
}

/**
 * Reads `repquota -P -n -O csv`: by project number. Project 0 is everything that has none, and is left out.
 * @throws Error for output that is not what this version of it is known to write
 */
export function parseProjects(text: string): ReadonlyMap<number, Project> {
  const projects = new Map<number, Project>();
  for (const line of linesBehind(text, /^Project,BlockStatus,FileStatus,BlockUsed,BlockSoftLimit,BlockHardLimit,/)) {
    const found = /^#(\d+),\w+,\w+,(\d+),(\d+),(\d+),/.exec(line);
    if (!found) throw new Error(`repquota: this line cannot be read: ${line}`);
    const [, number = '', used = '', , limit = ''] = found;
    if (number !== '0')
      projects.set(Number(number), { usedBytes: BigInt(used) * 1024n, limitBytes: BigInt(limit) * 1024n });
  }
  return projects;
}

/**
 * Reads `lsattr -pd`: the project number by path.
 * @throws Error for output that is not what this version of it is known to write
 */
export function parseProjectNumbers(text: string): ReadonlyMap<string, number> {
  return new Map(
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const found = /^\s*(\d{1,10}) [A-Za-z-]+ (\/.*)$/.exec(line);
        if (!found) throw new Error(`lsattr: this line cannot be read: ${line}`);
        return [found[2] ?? '', Number(found[1])] as const;
      }),
  );
}

/**
 * Reads `btrfs subvolume list -o`: the subvolume's id by that of the volume. Others are left out.
 * @param folder of the volumes, from the top of the file system, without a slash at its beginning
 * @throws Error for output that is not what this version of it is known to write
 */
export function parseSubvolumes(text: string, folder: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const line of text.split('\n').filter((each) => each !== '')) {
    const [, group = '', path = ''] = /^ID (\d+) gen \d+ top level \d+ path (.+)$/.exec(line) ?? [];
    if (group === '') throw new Error(`btrfs subvolume list: this line cannot be read: ${line}`);
    const id = path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : '';
    if (isUuid(id)) found.set(id, group);
  }
  return found;
}

/** Lines behind the head of a table. @throws Error where there is no such head */
function linesBehind(text: string, head: RegExp): readonly string[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const at = lines.findIndex((line) => head.test(line));
  if (at < 0) throw new Error(`this table has another head than expected: ${lines[0] ?? 'nothing'}`);
  return lines.slice(at + 1);
}
