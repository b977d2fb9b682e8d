import { randomUUID } from 'node:crypto';
import * as fc from 'fast-check';
import { coverExactly, singleAddresses } from '../../../lib/domain/address-cover';
import { type AccessRule, readRule } from '../../../lib/drivers/manila/access-rule';
import { planRules } from '../../../lib/drivers/manila/rule-plan';

const rule = (access_to: string, access_level = 'rw', state = 'active'): AccessRule =>
  readRule({ id: randomUUID(), access_type: 'ip', access_to, access_level, state });
const rules = (...blocks: string[]) => blocks.map((each) => rule(each));
const plan = (present: readonly AccessRule[], addresses: readonly string[], { mayGrant = true, maxRules = 100 } = {}) =>
  planRules(present, { addresses, revision: 1n }, mayGrant, maxRules);
const named = (some: readonly AccessRule[]) => some.map(({ to }) => to);

describe('planRules', () => {
  it('adds what is missing, with nothing before where nobody goes', () => {
    expect(plan(rules('10.0.0.1'), ['10.0.0.1', '10.0.0.9'])).toEqual({
      wanted: ['10.0.0.1', '10.0.0.9'],
      left: [],
      before: [],
      remove: [],
      add: ['10.0.0.9'],
    });
  });

  it('allows finer rules before a block goes of which one address has to', () => {
    const { before, remove, add } = plan(rules('10.0.0.0/30'), ['10.0.0.0', '10.0.0.1', '10.0.0.3']);
    expect(before).toEqual(['10.0.0.0/31', '10.0.0.3']);
    expect(named(remove)).toEqual(['10.0.0.0/30']);
    expect(add).toEqual([]);
  });

  it('bridges by rules of their own where the new block lets in somebody who comes', () => {
    const { before, remove, add } = plan(rules('10.0.0.1', '10.0.0.2/31'), ['10.0.0.0', '10.0.0.1', '10.0.0.3']);
    expect(before).toEqual(['10.0.0.3']);
    expect(named(remove)).toEqual(['10.0.0.2/31']);
    expect(add).toEqual(['10.0.0.0/31']);
  });

  it.each([
    ['read-only', rule('10.0.0.1', 'ro')],
    ['in error', rule('10.0.0.1', 'rw', 'error')],
    ['on its way out', rule('10.0.0.1', 'rw', 'denying')],
    ['too large', rule('0.0.0.0/0')],
    ['no address', rule('*')],
  ])('removes a rule that is %s, whatever it is for', (_, present) => {
    const { remove, add } = plan([present], ['10.0.0.1']);
    expect(remove).toEqual([present]);
    expect(add).toEqual(['10.0.0.1']);
  });

  it('knows a rule that is written in another way', () => {
    expect(
      plan(rules('10.0.0.1/32', '10.0.0.9/31', 'FD00::1'), ['10.0.0.1', '10.0.0.8', '10.0.0.9', 'fd00::1']),
    ).toEqual(expect.objectContaining({ before: [], remove: [], add: [] }));
  });

  it('only takes away where it may not grant', () => {
    const { before, remove, add } = plan(rules('10.0.0.0/31'), ['10.0.0.1', '10.0.0.2'], { mayGrant: false });
    expect([before, named(remove), add]).toEqual([['10.0.0.1'], ['10.0.0.0/31'], []]);
  });

  it('keeps those that are let in when there is no room for all', () => {
    const { wanted, left } = plan(rules('10.0.9.1'), ['10.0.0.1', '10.0.5.1', '10.0.9.1'], { maxRules: 2 });
    expect([wanted, left]).toEqual([['10.0.0.1', '10.0.9.1'], ['10.0.5.1']]);
  });

  it('takes away from a full list without room for a bridge', () => {
    const { before, remove, add } = plan(rules('10.0.0.0/31'), ['10.0.0.1'], { maxRules: 1 });
    expect([before, named(remove), add]).toEqual([[], ['10.0.0.0/31'], ['10.0.0.1']]);
  });

  it('has no rule too many in between: near the limit what is replaced goes first', () => {
    const present = rules('10.0.0.2', '10.0.0.3');
    const asked = ['10.0.0.2', '10.0.0.3'];
    expect(plan(present, asked, { maxRules: 2 })).toMatchObject({ remove: present, add: ['10.0.0.2/31'] });
    expect(plan(present, asked, { maxRules: 3 })).toMatchObject({ remove: [], add: ['10.0.0.2/31'] });
  });

  it('always ends with the list, cuts off nobody who stays, and lets nobody in before the others are out', () => {
    const some = fc.uniqueArray(
      fc.integer({ min: 0, max: 40 }).map((each) => `10.0.0.${each}`),
      { maxLength: 41 },
    );
    const blocks = fc.uniqueArray(
      fc
        .tuple(fc.integer({ min: 0, max: 40 }), fc.constantFrom(32, 31, 30, 29))
        .map(([each, prefix]) => `10.0.0.${each}/${prefix}`),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(blocks, some, (present, addresses) => {
        const before = present.map((each) => rule(each));
        const { wanted, before: bridges, remove, add } = plan(before, addresses);
        const was = new Set(before.flatMap((each) => each.addresses));
        const wish = new Set(addresses);
        const kept = before.filter((each) => !remove.includes(each)).flatMap((each) => each.addresses);
        const middle = new Set([...kept, ...singleAddresses(bridges).addresses]);
        // between: whoever stays, nobody who goes, nobody who comes
        expect(middle).toEqual(new Set([...was].filter((each) => wish.has(each))));
        expect(new Set([...middle, ...singleAddresses(add).addresses])).toEqual(wish);
        expect(wanted).toEqual(coverExactly(addresses));
      }),
    );
  });
});
