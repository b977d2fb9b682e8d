import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { MessageMaker } from './made-messages';
import { NovaPublisher, type NovaTopics } from './nova-publisher';
import { planStorm, type StormMessage, type StormOptions } from './storm-plan';

/*
 * Sends the messages of a storm as Nova would, in a process of its own: what is measured is not to wait for it. Sends the next
 * part for each line of its input, answers with a line of JSON when the broker has all of it, and ends with its input.
 */

/** What its one argument holds, as JSON. */
export interface PublisherOptions extends NovaTopics {
  readonly url: string;
  readonly storm: StormOptions;
}

/** What it answers. */
export interface Published {
  readonly messages: number;
  /** How much later than planned one was sent at most, milliseconds. */
  readonly late: number;
}

const TICK_MILLISECONDS = 5;

async function main({ url, storm, ...where }: PublisherOptions): Promise<void> {
  const publisher = await NovaPublisher.connect(url, where);
  const maker = new MessageMaker();
  const plan = planStorm(storm);

  const publish = async (messages: readonly StormMessage[]): Promise<Published> => {
    const begun = Date.now();
    let late = 0;
    for (const message of messages) {
      for (; begun + message.sentAt > Date.now(); await wait(TICK_MILLISECONDS));
      late = Math.max(late, Date.now() - begun - message.sentAt);
      const { format, event, instance, time } = message;
      publisher.send(maker.make(format, event, instance, new Date(begun + time)));
    }
    await publisher.sent();
    return { messages: messages.length, late };
  };

  const parts = [plan.before, plan.storm];
  const input = createInterface({ input: process.stdin });
  input.on('line', () => {
    publish(parts.shift() ?? []).then(
      (published) => console.log(JSON.stringify(published)),
      (error: unknown) => {
        throw error;
      },
    );
  });
  console.log(JSON.stringify({ messages: 0, late: 0 }));
  await once(input, 'close');
  await publisher.close();
}

void main(JSON.parse(process.argv[2] ?? '') as PublisherOptions);
