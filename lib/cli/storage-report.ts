import type { Adopted } from '../sync/adopt';
import type { FoundOrphan } from './storage';

/** Rows of text, each column as wide as its widest. @param backends those that were looked at */
export function orphanTable(orphans: readonly FoundOrphan[], backends: readonly string[]): string {
  if (orphans.length === 0) return `No volume stands without a row on ${backends.join(', ')}.\n`;
  const rows = [
    ['BACKEND', 'ID', 'STATE', 'NAME', 'OWNER', 'SCOPE', 'PROJECT', 'SIZE', 'REVISION', 'LETS IN'],
    ...orphans.map(({ backend, id, retired, record, addresses }) => [
      backend,
      id,
      stateOf(retired),
      record?.name ?? '-',
      record?.owner ?? '-',
      record?.scope ?? '-',
      record?.project ?? '-',
      record?.size ?? '-',
      record === null ? '-' : String(record.revision),
      String(addresses.length),
    ]),
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => plain(row[column]).length))) ?? [];
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => plain(cell).padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

/** For programs: a list, in the order of backends and ids. */
export function orphanJson(orphans: readonly FoundOrphan[]): string {
  return json(
    orphans.map(({ backend, id, retired, record, addresses }) => ({
      backend,
      id,
      state: stateOf(retired),
      name: record?.name ?? null,
      owner: record?.owner ?? null,
      scope: record?.scope ?? null,
      project: record?.project ?? null,
      size: record?.size ?? null,
      // exact below 2^53
      revision: record === null ? null : Number(record.revision),
      number: record?.number ?? null,
      addresses,
    })),
  );
}

/** What became of an adoption; null: a lost volume is in service again. */
export function adoptionText(id: string, adopted: Adopted | null): string {
  if (adopted === null) return `${id} is back in service: the next run lets in whom it should.\n`;
  return adopted.retired
    ? `${id} is adopted as deleted, "${adopted.name}" of ${adopted.owner}: restore or purge it by /os-filesystem/_deleted/${id}.\n`
    : `${id} is adopted as "${adopted.name}" of ${adopted.owner}, scope ${adopted.scope}, ${adopted.size.text}.\n`;
}

/** As `adoptionText`, for programs. */
export function adoptionJson(id: string, adopted: Adopted | null): string {
  if (adopted === null) return json({ id, state: 'in service' });
  const { name, owner, scope, project, size, retired } = adopted;
  return json({ id, state: stateOf(retired), name, owner, scope, project, size: size.text });
}

/** One object or list as lines of JSON. */
export function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function stateOf(retired: boolean): 'retired' | 'in service' {
  return retired ? 'retired' : 'in service';
}

/** What a record says may be anything: nothing of it moves the cursor of a terminal. */
function plain(text = ''): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?');
}
