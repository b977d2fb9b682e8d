import type { Options } from 'amqplib';

/** Which of Nova's two formats are consumed; `notification_format` in its configuration says which it sends. */
export type NotificationFormats = 'versioned' | 'legacy' | 'both';

/** Nova's names of the topics, `versioned_notifications_topics` and the driver's `topics`. */
export interface Topics {
  readonly versioned: string;
  readonly legacy: string;
}

/** Nova sends `warn`, `debug` and others nowhere. */
const PRIORITIES = ['info', 'error'];

const MINUTE = 60_000;
const MIB = 1024 * 1024;

/** The routing keys that our queue is bound to, and those of the formats that it must not be bound to any more. */
export function routingKeys(topics: Topics, formats: NotificationFormats): { bound: string[]; unbound: string[] } {
  const all = [topics.versioned, topics.legacy].flatMap((topic) =>
    PRIORITIES.map((priority) => `${topic}.${priority}`),
  );
  const wanted = formats === 'both' ? [topics.versioned, topics.legacy] : [topics[formats]];
  const bound = wanted.flatMap((topic) => PRIORITIES.map((priority) => `${topic}.${priority}`));
  return { bound: [...new Set(bound)], unbound: all.filter((key) => !bound.includes(key)) };
}

/** Our queue. It is bounded, so that a service which is stopped never fills the broker: a resync brings what was dropped. */
export const NOTIFICATION_QUEUE: Options.AssertQueue = {
  durable: true,
  arguments: {
    'x-queue-type': 'classic', // whatever the vhost's default is: a length limit in bytes is not every type's
    'x-message-ttl': 60 * MINUTE,
    'x-max-length': 100_000,
    'x-max-length-bytes': 256 * MIB,
    'x-overflow': 'drop-head',
  },
};

/** The queue of the descriptions of messages that could not be taken. */
export const DEAD_LETTER_QUEUE: Options.AssertQueue = {
  durable: true,
  arguments: {
    'x-queue-type': 'classic',
    'x-message-ttl': 7 * 24 * 60 * MINUTE,
    'x-max-length': 10_000,
    'x-overflow': 'drop-head',
  },
};

/** The name of the dead-letter queue that belongs to a queue. */
export function deadLetterQueueOf(queue: string): string {
  return `${queue}.dead-letters`;
}
