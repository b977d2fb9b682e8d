import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib';
import { Bindings, type WantedBindings } from './bindings';
import { FIRST_BUS_PAUSE_MILLISECONDS, growingPause } from './bus-pauses';
import { NOTIFICATION_QUEUE } from './bus-queues';
import type { BusStatus } from './bus-status';
import { Consumption, type Takers } from './consumption';
import { within } from './within';

/** How many messages of one process are on their way or in work: two full batches. Of their bodies one is in memory. */
const PREFETCH = 1_000;

/** An answer to closing a channel never comes where the connection is lost. */
const CLOSING_MILLISECONDS = 2_000;

/** What is done over every channel. */
export interface Session extends Takers {
  readonly wanted: WantedBindings;
  readonly status: Pick<BusStatus, 'exchange' | 'consuming'>;
}

/**
 * Declares our queue, binds it, and consumes it over a channel of its own, until the abort: then it stops consuming, and
 * resolves when the batch under way is stored and acknowledged.
 * @throws Error when the channel, the connection or the consumer ends before. What was not acknowledged comes again
 */
export async function consume(model: ChannelModel, session: Session, signal: AbortSignal): Promise<void> {
  const channel = await model.createChannel();
  const over = new AbortController();
  const end = (reason: unknown): void => over.abort(reason);
  const stop = (): void => end(new Error('the service stops'));
  channel.on('error', end).on('close', () => end(new Error('the broker has closed the channel')));
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    const parts = await begin(model, channel, session, over);
    await Promise.all(parts.map((part) => part.catch(end)));
  } finally {
    signal.removeEventListener('abort', stop);
    await within(CLOSING_MILLISECONDS, session.clock, channel.close()).catch(() => undefined);
  }
  if (!signal.aborted) throw over.signal.reason;
}

/** @returns what goes on until it is over */
async function begin(
  model: ChannelModel,
  channel: Channel,
  session: Session,
  over: AbortController,
): Promise<readonly Promise<void>[]> {
  const { sink, wanted, status, clock, random } = session;
  await channel.assertQueue(wanted.queue, NOTIFICATION_QUEUE);
  await channel.prefetch(PREFETCH);
  const bindings = new Bindings(model, wanted, status);
  const isBound = await bindings.bind();
  const consumption = new Consumption(channel, session);
  const take = (message: ConsumeMessage | null): void =>
    message ? consumption.take(message) : over.abort(new Error('the broker has cancelled the consumer'));
  const { consumerTag } = await channel.consume(wanted.queue, take);
  over.signal.addEventListener('abort', () => channel.cancel(consumerTag).catch(() => undefined), { once: true });
  status.consuming();
  if (isBound) sink.begun();
  const pause = growingPause(FIRST_BUS_PAUSE_MILLISECONDS, random);
  return [consumption.work(over.signal), bindings.keep(clock, pause, () => sink.begun(), over.signal)];
}
