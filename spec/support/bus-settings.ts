import type { FollowedSettings } from './following-gateway';

/** Settings of a gateway that follows this bus. */
export function busSettings(
  url: string,
  bus: {
    readonly exchange: string;
    readonly queue: string;
    readonly topics: { readonly versioned: string; readonly legacy: string };
  },
): FollowedSettings {
  return {
    AMQP_URL: url,
    AMQP_EXCHANGES: bus.exchange,
    AMQP_QUEUE: bus.queue,
    VERSIONED_TOPIC: bus.topics.versioned,
    LEGACY_TOPIC: bus.topics.legacy,
  };
}
