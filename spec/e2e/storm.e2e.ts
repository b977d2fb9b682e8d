import { busSettings } from '../support/bus-settings';
import { differenceOf, eventually } from '../support/eventually';
import { FollowingGateway } from '../support/following-gateway';
import type { ToldInstance } from '../support/made-messages';
import { type MixedRequest, type MixFigures, percentile, RequestMix } from '../support/request-mix';
import { planStorm, projectOf, type StormOptions } from '../support/storm-plan';
import { StormPublisher } from '../support/storm-publisher';
import type { Published } from '../support/storm-publisher-process';
import { AMQP_URL, CloudBus } from './rabbitmq/cloud-bus';

/** `STORM=whole npm run test:storm`: all of it. Without, a tenth, at the same pace. */
const isWhole = process.env.STORM === 'whole';
const STORM: StormOptions = {
  instances: isWhole ? 10_000 : 1_000,
  seconds: isWhole ? 30 : 4.8,
  living: 2_000,
  projects: 50,
  seed: 1,
};
const GLOBAL_FILESYSTEMS = 15;
const REQUESTS_A_SECOND = 20;

const RIGHT_MILLISECONDS = 5_000;
const LARGEST_SHARE_OF_CALLS = 0.02;
const REQUEST_MILLISECONDS = 500;
const MEMORY_BYTES = 300 * 1_024 * 1_024;

interface Filesystem {
  readonly name: string;
  readonly id: string;
  /** Whose instances may mount it; null: all. */
  readonly project: string | null;
}

describe(`a storm: ${STORM.instances} instances come and as many go in ${STORM.seconds} s`, () => {
  const plan = planStorm(STORM);
  const filesystems: Filesystem[] = [];
  let cloud: CloudBus;
  let publisher: StormPublisher;
  let gateway: FollowingGateway;

  let published: Published;
  let rightAfter: number;
  let calls: number;
  let requests: MixFigures;
  let memory: number;

  /** What differs from what these instances should be let into; null: nothing. */
  const wrong = (living: readonly ToldInstance[]): string | null => {
    for (const { id, name, project } of filesystems) {
      const entitled = living.filter((each) => project === null || each.project === project);
      const differs = differenceOf(
        gateway.exported(id),
        entitled.flatMap(({ addresses }) => addresses),
      );
      if (differs !== null) return `${name}: ${differs}`;
    }
    return null;
  };
  const syncAccessCalls = () => gateway.metric('shared_filesystem_driver_call_seconds_count', { method: 'syncAccess' });

  beforeAll(async () => {
    cloud = await CloudBus.open();
    await cloud.declareExchange();
    const { exchange, topics } = cloud;
    gateway = new FollowingGateway(busSettings(AMQP_URL, cloud));
    await gateway.start();
    const make = async (name: string, project: string, scope: 'global' | 'project'): Promise<void> => {
      const id = await gateway.make(name, project, scope);
      filesystems.push({ name, id, project: scope === 'global' ? null : project });
    };
    for (let index = 0; index < GLOBAL_FILESYSTEMS; index += 1) await make(`everybodys-${index}`, 'alpha', 'global');
    for (let index = 0; index < STORM.projects; index += 1) {
      const project = projectOf(index);
      await make(`of-${project}`, project, 'project');
    }
    publisher = await StormPublisher.start({ url: AMQP_URL, exchange, topics, storm: STORM });
    await publisher.publish();
    await eventually(() => wrong(plan.livingBefore), 30_000);

    const callsBefore = await syncAccessCalls();
    const mix = new RequestMix(mixedRequests(), REQUESTS_A_SECOND);
    published = await publisher.publish();
    rightAfter = await eventually(() => wrong(plan.livingAfter), 60_000);
    requests = await mix.stop();
    calls = (await syncAccessCalls()) - callsBefore;
    memory = gateway.peakMemoryBytes;
    console.info(figures());
  }, 240_000);
  afterAll(async () => {
    await publisher?.stop();
    await gateway?.stop();
    await cloud?.close();
  });

  /** Shows, lists and changes of size, of one filesystem after the other. */
  function mixedRequests(): readonly MixedRequest[] {
    let number = 0;
    const next = (): string => {
      number += 7;
      const project = projectOf(number % STORM.projects);
      return `${gateway.base(project)}/of-${project}`;
    };
    const body = () => ({ fs_entry: { size: `${1 + (number % 5)}Gb`, scope: 'project' } });
    return [
      { method: 'GET', url: next },
      { method: 'GET', url: () => gateway.base(projectOf(number % STORM.projects)) },
      { method: 'PUT', url: next, body },
      { method: 'GET', url: () => `${gateway.base('alpha')}/detail` },
    ];
  }

  /** Calls of the driver, were there one a change and filesystem. */
  const callsOfEachChange = 2 * STORM.instances * (GLOBAL_FILESYSTEMS + 1);

  function figures(): string {
    const share = ((calls / callsOfEachChange) * 100).toFixed(2);
    const times = [0.5, 0.9, 0.99, 1].map((part) => percentile(requests.milliseconds, part).toFixed(0));
    return [
      `${published.messages} messages (sent up to ${published.late.toFixed(0)} ms late)`,
      `right after ${(rightAfter / 1_000).toFixed(1)} s`,
      `${calls} driver calls, ${share} %`,
      `${requests.milliseconds.length} requests, p50 p90 p99 and most ${times.join(' ')} ms`,
      `memory ${(memory / 1_048_576).toFixed(0)} MiB`,
    ].join('; ');
  }

  it('leaves every list right at the latest 5 s after its last message', () => {
    expect(rightAfter).toBeLessThanOrEqual(RIGHT_MILLISECONDS);
  });

  it('takes at most 2 % of the driver calls that one a change would', () => {
    expect(calls / callsOfEachChange).toBeLessThanOrEqual(LARGEST_SHARE_OF_CALLS);
  });

  it('keeps nobody waiting: 99 % of the requests are answered within 500 ms, and all with success', () => {
    expect(requests.failures).toEqual([]);
    expect(percentile(requests.milliseconds, 0.99)).toBeLessThan(REQUEST_MILLISECONDS);
  });

  it('takes less than 300 MB of memory', () => {
    expect(memory).toBeLessThan(MEMORY_BYTES);
  });
});
