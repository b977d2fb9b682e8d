import { createHash } from 'node:crypto';
import { type CountingRule, MOST_ADDRESSES } from '../domain/address';
import type { Scope } from '../domain/filesystem';

/*
 * The rule of domain/entitlement.ts in SQL. A property spec holds the two together (spec/store/entitlement.spec.ts).
 */

/**
 * Whether a row of `instance_addresses` with this alias counts. The rule is a setting of the process, so it stands in the
 * text as literals: the planner sees them. Canonical CIDRs and checked ids alone get in (`parseCountingNetwork`).
 * @param letInBy a filesystem's id in SQL: an address that it lets in stays while the network of its port is not known
 */
export function countsSql(rule: CountingRule, alias: string, letInBy: string | null = null): string {
  return `(${mayCountSql(rule, alias, letInBy)} and not ${surplusSql(rule, alias, letInBy)})`;
}

/** Whether an address that may count is above what counts of one instance. Few instances have so many: the others are not counted. */
export function surplusSql(rule: CountingRule, alias: string, letInBy: string | null = null): string {
  const most = Math.trunc(rule.mostPerInstance ?? MOST_ADDRESSES);
  return `(${alias}.position > ${most} and ${most} <= (
    select count(*) from (
      select from instance_addresses before
      where before.instance_id = ${alias}.instance_id and before.position < ${alias}.position and ${mayCountSql(rule, 'before', letInBy)}
      limit ${most}
    ) as first
  ))`;
}

/** As `countsSql`, but for the limit of one instance. */
export function mayCountSql(
  { networks, kinds, excluded = [] }: CountingRule,
  alias: string,
  letInBy: string | null = null,
): string {
  const own = excluded.map((address) => ` and ${alias}.address <> inet ${literal(address)}`).join('');
  const ofKind = `${alias}.kind in (${kinds.map((kind) => literal(kind)).join(', ') || 'null'})${own}`;
  if (networks === null) return `(${ofKind})`;
  const open = networks.filter(({ networkId }) => networkId === null).map(({ cidr }) => literal(cidr));
  const bound = networks.filter(({ networkId }) => networkId !== null);
  const alternatives = [
    ...(open.length > 0 ? [`${alias}.address <<= any(array[${open.join(', ')}]::inet[])`] : []),
    ...bound.map(
      ({ cidr, networkId }) =>
        `(${alias}.network = ${literal(networkId ?? '')} and ${alias}.address <<= inet ${literal(cidr)})`,
    ),
  ];
  if (letInBy !== null && bound.length > 0)
    alternatives.push(`(
      ${alias}.network is null and ${alias}.kind = 'fixed'
      and ${alias}.address <<= any(array[${bound.map(({ cidr }) => literal(cidr)).join(', ')}]::inet[])
      and exists (
        select from access_entries kept
        where kept.filesystem_id = ${letInBy} and kept.instance_id = ${alias}.instance_id and kept.address = ${alias}.address
      )
    )`);
  return `(${ofKind} and (${alternatives.join(' or ') || 'false'}))`;
}

/** Whether an instance with this alias, which must be live, is entitled by scope. `filesystem` is an alias, or a cast parameter. */
export function entitledSql(scope: Scope, filesystem: { id: string; project: string }, instance: string): string {
  switch (scope) {
    case 'global':
      return 'true';
    case 'project':
      return `${instance}.project = ${filesystem.project}`;
    case 'instance':
      return `exists (select from connections c where c.filesystem_id = ${filesystem.id} and c.instance_id = ${instance}.id)`;
  }
}

/** A statement whose text never changes, and the name under which it is prepared. */
export interface PreparedStatement {
  readonly name: string;
  readonly text: string;
}

/** Named by its text too: a name is prepared once a connection, whoever uses it. */
export function prepared(name: string, text: string): PreparedStatement {
  return { name: `${name}-${createHash('sha256').update(text).digest('hex').slice(0, 8)}`, text };
}

/**
 * The entitled pairs of an address and an instance of the filesystem `f`, with a mark where the claim is disputed or doubted
 * (rule 10: `!`), or where the instance has too many (`+`): one text, a line a pair, sorted by
 * address as a number. Ten thousand rows cost pg ten times that.
 */
export function entitledPairsSql(rule: CountingRule): string {
  return `case f.scope
    when 'global' then (${pairsSql('global', rule)})
    when 'project' then (${pairsSql('project', rule)})
    else (${pairsSql('instance', rule)})
  end`;
}

const FILESYSTEM = { id: 'f.id', project: 'f.project' };

/**
 * Whether the claim of a row of `instance_addresses` with this alias is doubted, or a live instance that is not entitled to the
 * filesystem `f` claims its address too, on a network that counts (rule 10). For an instance that is entitled: one that is not
 * claims its own.
 */
export function disputedSql(scope: Scope, rule: CountingRule, alias: string): string {
  const doubted = `${alias}.doubted is not null`;
  // everybody is entitled: nobody is in the way
  if (scope === 'global') return `(${doubted})`;
  return `(${doubted} or exists (
    select from instance_addresses o join instances j on j.id = o.instance_id
    where o.address = ${alias}.address and o.instance_id <> ${alias}.instance_id and j.state = 'live'
      and ${countsSql(rule, 'o')}
      and (${entitledSql(scope, FILESYSTEM, 'j')}) is not true
  ))`;
}

function pairsSql(scope: Scope, rule: CountingRule): string {
  const mark = `case when ${surplusSql(rule, 'a', FILESYSTEM.id)} then ' +' when ${disputedSql(scope, rule, 'a')} then ' !' else '' end`;
  const counting = `i.state = 'live' and ${mayCountSql(rule, 'a', FILESYSTEM.id)}`;
  const instances = {
    global: '',
    project: 'select i.id, i.state from instances i where i.project = f.project offset 0',
    instance: `select i.id, i.state from connections x join instances i on i.id = x.instance_id where x.filesystem_id = f.id offset 0`,
  }[scope];
  // of a few instances each address is looked up: a plan for many would read the whole table
  const from =
    scope === 'global'
      ? 'instances i join instance_addresses a on a.instance_id = i.id'
      : `(${instances}) as i cross join lateral (
          select own.instance_id, own.address, own.kind, own.network, own.position, own.doubted
          from instance_addresses own where own.instance_id = i.id offset 0
        ) as a`;
  return `
    select string_agg(host(pair.address) || ' ' || pair.instance_id || pair.mark,
                      E'\\n' order by pair.address, pair.instance_id)
    from (select a.address, a.instance_id, ${mark} as mark from ${from} where ${counting}) as pair`;
}

/** A literal of words that a rule of ours has checked. */
function literal(word: string): string {
  if (!/^[A-Za-z0-9._:/-]*$/.test(word)) throw new Error(`not a checked word: ${JSON.stringify(word)}`);
  return `'${word}'`;
}
