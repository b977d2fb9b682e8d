import { type CountingRule, namesNetworks } from './domain/address';
import type { Observation } from './domain/instance';
import { parseAmqpUrls } from './openstack/amqp-url';
import { NovaComputeApi } from './openstack/compute-api';
import { RabbitMq } from './openstack/rabbitmq';
import type { Clock } from './ports/clock';
import type { MessageBus } from './ports/cloud';
import type { ComputeOptions, ExtensionStatus, MessageBusOptions } from './ports/extension';
import type { Logger } from './ports/host';
import type { Metrics } from './ports/metrics';
import type { Stores } from './store/stores';
import { Questions } from './sync/questions';
import { ReadThrough } from './sync/read-through';
import { Resync } from './sync/resync';
import { WatchedCompute } from './sync/watched-compute';

/** How a cloud is followed. */
export interface CloudOptions {
  readonly compute?: ComputeOptions | undefined;
  readonly messageBus?: MessageBusOptions | undefined;
  readonly resyncIntervalSeconds?: number | undefined;
  readonly largestWithdrawal?: number | undefined;
}

/** What follows a cloud in this process: its message bus, and the Compute API behind it. */
export interface FollowedCloud {
  /** Asks Compute about an instance that the directory does not know; null: there is none to ask. @throws Unavailable */
  readonly lookUp: ((instanceId: string, projectId: string) => Promise<void>) | null;
  status(): Promise<Pick<ExtensionStatus, 'bus' | 'compute'>>;
  /** Compute is to be asked about some instance. */
  questionRaised(): void;
  /** Compares the directory with Compute's list as soon as it can be. */
  resync(): void;
  /** Follows until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

const RESYNC_SECONDS = 300;
const LARGEST_WITHDRAWAL = 0.2;

/**
 * @param nudge wakes the reconcilers
 * @throws InvalidInput naming what is wrong with a URL; nothing is connected yet
 */
export function followCloud(
  { compute, messageBus, resyncIntervalSeconds = RESYNC_SECONDS, largestWithdrawal = LARGEST_WITHDRAWAL }: CloudOptions,
  rule: CountingRule,
  stores: Stores,
  clock: Clock,
  nudge: () => void,
  logger: Logger,
  metrics: Metrics,
): FollowedCloud {
  const asked = compute ? new WatchedCompute(computeApi(compute, rule, clock), logger, metrics) : null;
  const questions = asked && new Questions(stores.questions, asked, clock, Math.random, nudge, logger, metrics);
  const options = { intervalMilliseconds: resyncIntervalSeconds * 1_000, largestShare: largestWithdrawal };
  const resync =
    asked && new Resync(stores.resync, stores.instances, asked, options, clock, Math.random, logger, metrics);
  const readThrough = asked && new ReadThrough(asked, stores.instances, clock);
  const urls = messageBus ? parseAmqpUrls(messageBus.url) : null;
  let bus: MessageBus | null = null;

  const consume = async (signal: AbortSignal): Promise<void> => {
    if (!messageBus || !urls) return;
    const queue = messageBus.queue ?? `nova-shared-filesystem.${await stores.identity()}`;
    const topics = {
      versioned: messageBus.versionedTopic ?? 'versioned_notifications',
      legacy: messageBus.legacyTopic ?? 'notifications',
    };
    const { exchanges = ['nova'], notifications = 'both' } = messageBus;
    const rabbit = new RabbitMq({ urls, exchanges, topics, notifications, queue }, clock, logger, metrics);
    bus = rabbit;
    const sink = {
      store: async (observations: readonly Observation[]) => {
        if ((await stores.instances.apply(observations)).length > 0) nudge();
      },
      begun: () => resync?.request(),
    };
    await rabbit.run(sink, signal);
  };

  return {
    lookUp: readThrough && ((instanceId, projectId) => readThrough.lookUp(instanceId, projectId)),
    status: async () => ({
      bus: messageBus ? (bus?.status ?? { connected: false, message: 'It has not been started.' }) : null,
      compute: asked ? { ...asked.status, resync: await stores.resync.last().catch(() => null) } : null,
    }),
    questionRaised: () => questions?.wake(),
    resync: () => resync?.request(),
    run: async (signal) => {
      await Promise.all([questions?.run(signal), resync?.run(signal), consume(signal)]);
    },
  };
}

function computeApi({ url, token }: ComputeOptions, rule: CountingRule, clock: Clock): NovaComputeApi {
  const tokenNow = typeof token === 'string' ? () => Promise.resolve(token) : token;
  return new NovaComputeApi({ url, token: tokenNow, readInterfaces: namesNetworks(rule), clock });
}
