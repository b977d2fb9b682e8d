import { HANDOVER_EVENTS, Handover, type HandoverEvent } from '../support/address-handover';
import { busSettings } from '../support/bus-settings';
import { ComputeStandIn } from '../support/compute-stand-in';
import { eventually } from '../support/eventually';
import { FollowingGateway } from '../support/following-gateway';
import { MessageMaker, type NovaFormat } from '../support/made-messages';
import { NovaPublisher } from '../support/nova-publisher';
import { ToldCloud } from '../support/told-cloud';
import { AMQP_URL, CloudBus } from './rabbitmq/cloud-bus';

/** From so long after the first message that tells of it the old filesystem lets nobody in by that address. */
const EXPOSURE_MILLISECONDS = 100;
const SETTLED_MILLISECONDS = 15_000;
/** So long Compute takes for each answer: what it says comes too late for the old filesystem. */
const ANSWER_MILLISECONDS = 250;
/** So many at once: more would measure the machine. */
const AT_ONCE = 2;
/** A machine that stands still for a moment does so once: what is missed is tried again, from the beginning. */
const TRIES = 3;

function orders(of: readonly HandoverEvent[]): readonly (readonly HandoverEvent[])[] {
  if (of.length <= 1) return [of];
  return of.flatMap((first) => orders(of.filter((each) => each !== first)).map((rest) => [first, ...rest]));
}

const oneLost = HANDOVER_EVENTS.flatMap((lost) => orders(HANDOVER_EVENTS.filter((each) => each !== lost)));

describe('an address that goes to an instance of another project', () => {
  const maker = new MessageMaker();
  const compute = new ComputeStandIn({ delayMilliseconds: ANSWER_MILLISECONDS });
  const told = new ToldCloud(compute);
  let cloud: CloudBus;
  let nova: NovaPublisher;
  let gateway: FollowingGateway;
  let number = 0;
  beforeAll(async () => {
    cloud = await CloudBus.open();
    await cloud.declareExchange();
    nova = await NovaPublisher.connect(AMQP_URL, cloud);
    await compute.start();
    const asked = { COMPUTE_URL: compute.url, COMPUTE_TOKEN: 'admin-token' };
    gateway = new FollowingGateway({ ...busSettings(AMQP_URL, cloud), ...asked });
    await gateway.start();
  });
  afterAll(async () => {
    await gateway?.stop();
    await compute.stop();
    await nova?.close();
    await cloud?.close();
  });

  /** Each order with an address of its own. */
  const prepared = async (
    format: NovaFormat,
    of: readonly (readonly HandoverEvent[])[],
  ): Promise<readonly Handover[]> => {
    const handovers = of.map((order) => {
      number += 1;
      return new Handover({ gateway, nova, maker }, format, order, `handover-${number}`, `10.30.0.${number}`);
    });
    told.change(handovers.map(({ from }) => from));
    for (const each of handovers) await each.prepare();
    await eventually(() => handovers.find(({ unprepared }) => unprepared !== null)?.unprepared ?? null);
    return handovers;
  };

  /** @returns the time for which each was let in by the old filesystem */
  const tellAll = async (handovers: readonly Handover[]): Promise<readonly number[]> => {
    const exposures: number[] = [];
    for (let first = 0; first < handovers.length; first += AT_ONCE) {
      const some = handovers.slice(first, first + AT_ONCE);
      told.change(
        some.map(({ to }) => to),
        some.map(({ from }) => from),
      );
      exposures.push(...(await Promise.all(some.map((each) => each.tell()))));
    }
    return exposures;
  };
  const settled = (handovers: readonly Handover[]): Promise<number> =>
    eventually(() => handovers.find(({ unsettled }) => unsettled !== null)?.unsettled ?? null, SETTLED_MILLISECONDS);

  it.each([
    ['versioned', 'all come, in each order', orders(HANDOVER_EVENTS)],
    ['versioned', 'one is lost', oneLost],
    ['legacy', 'all come, in each order', orders(HANDOVER_EVENTS)],
    ['legacy', 'one is lost', oneLost],
  ] as const)(
    'is out of the old filesystem after 100 ms, and in the new one in the end: of its %s messages %s',
    async (format, how, all) => {
      let missed = all;
      for (let tries = 1; missed.length > 0; tries += 1) {
        const handovers = await prepared(format, missed);
        const exposures = await tellAll(handovers);
        const settledAfter = await settled(handovers.filter(({ tellsAddress }) => tellsAddress));
        console.info(`${format}, ${how}: ${summary(exposures)}; settled after ${Math.round(settledAfter)} ms`);
        // of an address that nobody told of a comparison with Compute's list tells
        gateway.resync();
        await settled(handovers);
        missed = missed.filter((_, index) => (exposures[index] ?? 0) >= EXPOSURE_MILLISECONDS);
        if (tries === TRIES) expect(missed).toEqual([]);
      }
    },
  );
});

function summary(exposures: readonly number[]): string {
  const largest = exposures.map(Math.round).toSorted((one, other) => other - one);
  return `let in for up to ${largest.slice(0, 5).join(', ')} ms, half of them for ${largest[largest.length >> 1]} ms`;
}
