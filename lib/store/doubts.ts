import type { Knex } from 'knex';
import type { CountingRule } from '../domain/address';
import type { KnownInstance, Observation } from '../domain/instance';
import type { Change } from './concerned';
import { countsSql } from './entitlement';

/** An address that an instance has since this change: by it, or on another network. */
export interface Come {
  readonly instanceId: string;
  readonly address: string;
}

/** The addresses that a change brings to an instance that is live after it. */
export function comeBy({ before, after }: Change): readonly string[] {
  if (after.state?.value !== 'live') return [];
  const had = before?.state?.value === 'live' ? (before.addresses?.value ?? []) : [];
  const hadNetworks = new Map(had.map(({ address, network }) => [address, network]));
  return (after.addresses?.value ?? []).flatMap(({ address, network }) =>
    hadNetworks.get(address) === network ? [] : [address],
  );
}

/**
 * Doubts the older claims of addresses that come to an instance: whose end may have been lost. They let nobody in, also when
 * the newer claim ends, until Compute has said whose the address is (docs/architecture.md, rule 10).
 * @param come of each address the last instance that it came to
 * @returns the instances whose claims are doubted now
 */
export async function doubtOlderClaims(
  trx: Knex.Transaction,
  rule: CountingRule,
  come: readonly Come[],
  now: Date,
): Promise<readonly string[]> {
  if (come.length === 0) return [];
  const { rows } = await trx.raw<{ rows: { id: string }[] }>(
    `with come as (
       select c.instance_id, c.address from unnest(:ids::text[], :addresses::inet[]) as c(instance_id, address)
     )
     update instance_addresses a set doubted = :now
     from instances i
     where i.id = a.instance_id and i.state = 'live' and a.address = any(:addresses::inet[]) and ${countsSql(rule, 'a')}
       and not exists (select from come c where c.instance_id = a.instance_id and c.address = a.address)
       and exists (
         select from come c join instance_addresses o on o.instance_id = c.instance_id and o.address = c.address
         where o.address = a.address and ${countsSql(rule, 'o')}
       )
     returning a.instance_id as id`,
    { ids: come.map(({ instanceId }) => instanceId), addresses: come.map(({ address }) => address), now },
  );
  return rows.map(({ id }) => id);
}

/**
 * Ends the doubts that these observations settle: whoever knows has said, of a later moment, that the instance has the address.
 * @returns what comes by it, as changes
 */
export async function settleDoubts(
  trx: Knex.Transaction,
  observations: readonly Observation[],
  instanceOf: (id: string) => KnownInstance | undefined,
): Promise<readonly Change[]> {
  const said = observations.flatMap(({ instanceId, state, addresses = [], time, cause }) =>
    state === 'live' ? addresses.map(({ address }) => ({ instanceId, address, time, cause })) : [],
  );
  if (said.length === 0) return [];
  const { rows } = await trx.raw<{ rows: { id: string; address: string; cause: string }[] }>(
    `update instance_addresses a set doubted = null
     from unnest(:ids::text[], :addresses::inet[], :times::timestamptz[], :causes::text[]) as s(id, address, time, cause)
     where a.instance_id = s.id and a.address = s.address and a.doubted < s.time
     returning a.instance_id as id, host(a.address) as address, s.cause`,
    {
      ids: said.map(({ instanceId }) => instanceId),
      addresses: said.map(({ address }) => address),
      times: said.map(({ time }) => time),
      causes: said.map(({ cause }) => cause),
    },
  );
  return rows.flatMap(({ id, address, cause }) => {
    const after = instanceOf(id);
    return after ? [{ before: withoutAddress(after, address), after, cause }] : [];
  });
}

function withoutAddress(instance: KnownInstance, address: string): KnownInstance {
  const { addresses } = instance;
  if (!addresses) return instance;
  return {
    ...instance,
    addresses: { ...addresses, value: addresses.value.filter((each) => each.address !== address) },
  };
}
