import * as fc from 'fast-check';
import { parseAddress } from '../../lib/domain/address';
import { InvalidInput } from '../../lib/domain/errors';
import { isInstanceId, isProjectId } from '../../lib/domain/name';
import { readEvents } from '../../lib/openstack/notifications';
import { capturedSequence } from '../support/nova-notifications';

const ARRIVAL = new Date('2026-11-23T14:30:00Z');

/** The observations, or the error that it was refused with. */
const outcome = (body: unknown) => {
  try {
    return { observations: readEvents(body, ARRIVAL).observations, error: null };
  } catch (error) {
    return { observations: [], error };
  }
};

describe('whatever is sent', () => {
  const SECRET = 'token of the user';
  const hostile = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom<unknown>(SECRET, null, [], {}, [[]], 7, 'deleted', '::ffff:10.0.0.1', '10.0.0.1/8', `__proto__`),
  );

  /** A captured notification with one value replaced, however deep it lies. */
  const spoiled = fc
    .tuple(fc.constantFrom(...capturedSequence().map(({ message }) => JSON.stringify(message))), fc.nat(200), hostile)
    .map(([text, position, value]): unknown => {
      let left = position;
      return JSON.parse(text, (_key, present) => (left-- === 0 ? value : present));
    });

  const bodies = fc.oneof(spoiled, fc.anything(), fc.record({ events: fc.array(spoiled) }));

  it('is read or refused in words of ours', () => {
    fc.assert(
      fc.property(bodies, (body) => {
        const { error } = outcome(body);
        expect(error === null || error instanceof InvalidInput).toBe(true);
        expect(String(error)).not.toContain(SECRET);
        expect(String(error).length).toBeLessThan(300);
      }),
      { numRuns: 1000 },
    );
  });

  it('yields only what the directory can hold', () => {
    fc.assert(
      fc.property(bodies, (body) => {
        for (const { instanceId, project, addresses = [], time, cause } of outcome(body).observations) {
          expect(isInstanceId(instanceId) && (project === undefined || isProjectId(project))).toBe(true);
          expect(addresses.map(({ address }) => parseAddress(address))).toEqual(addresses.map((a) => a.address));
          expect(time.getTime() - ARRIVAL.getTime()).toBeLessThanOrEqual(5 * 60_000);
          expect(cause).toMatch(/^(compute\.)?instance\.[a-z0-9_.]+$/i);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
