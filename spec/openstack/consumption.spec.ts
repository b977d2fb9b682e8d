import { setImmediate as turn } from 'node:timers/promises';
import type { ConsumeMessage, Message } from 'amqplib';
import { Unavailable } from '../../lib/domain/errors';
import type { Observation } from '../../lib/domain/instance';
import { Consumption } from '../../lib/openstack/consumption';
import type { DeadLetter } from '../../lib/openstack/dead-letter';
import { Tally } from '../../lib/openstack/tally';
import { enveloped } from '../support/bus-messages';
import { HandClock } from '../support/hand-clock';
import { aVersioned } from '../support/nova-notifications';

const PROPERTIES: ConsumeMessage['properties'] = {
  contentType: undefined,
  contentEncoding: undefined,
  headers: undefined,
  deliveryMode: undefined,
  priority: undefined,
  correlationId: undefined,
  replyTo: undefined,
  expiration: undefined,
  messageId: undefined,
  timestamp: undefined,
  type: undefined,
  userId: undefined,
  appId: undefined,
  clusterId: undefined,
};
const IGNORED = { event_type: 'keypair.create.end' };
const update = (uuid: string) => aVersioned('update', { uuid });

/** A consumption with a sink that stores when it is told to, and all that it leaves behind. */
class Trial {
  readonly clock = new HandClock();
  readonly stop = new AbortController();
  readonly acknowledged: number[] = [];
  readonly letters: DeadLetter[] = [];
  readonly counted: string[] = [];
  readonly logged: string[] = [];
  readonly stores: { readonly ids: readonly string[]; readonly settle: (error?: unknown) => void }[] = [];
  isClosed = false;
  begun = 0;
  #tag = 0;

  readonly consumption = new Consumption(
    {
      ack: ({ fields }: Message, allUpTo?: boolean) => {
        if (this.isClosed) throw new Error('the channel is closed');
        expect(allUpTo).toBe(true);
        this.acknowledged.push(fields.deliveryTag);
      },
    },
    {
      sink: {
        store: (observations: readonly Observation[]) =>
          new Promise<void>((resolve, reject) => {
            const settle = (error?: unknown) => (error === undefined ? resolve() : reject(error));
            this.stores.push({ ids: observations.map(({ instanceId }) => instanceId), settle });
          }),
        begun: () => {
          this.begun += 1;
        },
      },
      deadLetters: { publish: async (letters) => void this.letters.push(...letters) },
      tally: new Tally(
        { warn: (facts, message) => this.logged.push(`${message} ${JSON.stringify(facts)}`) },
        { messageTaken: (outcome, kind) => this.counted.push(`${outcome} ${kind}`.trim()) },
      ),
      clock: this.clock,
      logger: { info: (_, message) => this.logged.push(message), warn: (_, message) => this.logged.push(message) },
      random: () => 0,
    },
  );
  readonly ended = this.consumption.work(this.stop.signal);

  bring(...messages: readonly unknown[]): void {
    for (const message of messages) {
      this.#tag += 1;
      const content = Buffer.isBuffer(message) ? message : enveloped(message);
      const fields = {
        deliveryTag: this.#tag,
        redelivered: false,
        exchange: 'nova',
        routingKey: 'k',
        consumerTag: 'c',
      };
      this.consumption.take({ content, fields, properties: PROPERTIES });
    }
  }

  /** Ends the store under way, the last that was begun. */
  async settle(error?: unknown): Promise<void> {
    this.stores.at(-1)?.settle(error);
    await this.rest();
  }

  /** Until nothing happens any more without something from outside. */
  async rest(): Promise<void> {
    for (let left = 5; left > 0; left -= 1) await turn();
  }

  async end(): Promise<void> {
    this.stop.abort();
    await this.ended;
  }

  get stored(): readonly string[] {
    return this.stores.map(({ ids }) => ids.join(' '));
  }
}

describe('a message from the bus', () => {
  it('is stored at once, and acknowledged when that is done, not before', async () => {
    const trial = new Trial();
    trial.bring(update('i-1'));
    await trial.rest();
    expect([trial.stored, trial.acknowledged]).toEqual([['i-1'], []]);
    await trial.settle();
    expect([trial.acknowledged, trial.counted]).toEqual([[1], ['stored']]);
    await trial.end();
  });

  it('is stored together with what came in the same packet, and acknowledged with it', async () => {
    const trial = new Trial();
    trial.bring(update('i-1'), IGNORED, update('i-2'), IGNORED);
    await trial.rest();
    await trial.settle();
    expect([trial.stored, trial.acknowledged]).toEqual([['i-1 i-2'], [4]]);
    await trial.end();
  });

  it('waits for the store under way, with the others that come meanwhile', async () => {
    const trial = new Trial();
    trial.bring(update('i-1'));
    await trial.rest();
    trial.bring(update('i-2'));
    await trial.rest();
    trial.bring(update('i-3'));
    await trial.rest();
    expect(trial.stored).toEqual(['i-1']);
    await trial.settle();
    expect(trial.stored).toEqual(['i-1', 'i-2 i-3']);
    await trial.settle();
    expect(trial.acknowledged).toEqual([1, 3]);
    await trial.end();
  });

  it('waits 5 ms for others while the bus is busy', async () => {
    const trial = new Trial();
    trial.bring(update('i-1'), update('i-2'), update('i-3'), update('i-4'));
    await trial.rest();
    await trial.settle();
    trial.bring(update('i-5'));
    await trial.rest();
    trial.clock.advance(4);
    trial.bring(update('i-6'));
    await trial.rest();
    expect(trial.stored).toEqual(['i-1 i-2 i-3 i-4']);
    trial.clock.advance(1);
    await trial.rest();
    expect(trial.stored).toEqual(['i-1 i-2 i-3 i-4', 'i-5 i-6']);
    await trial.settle();
    trial.bring(update('i-7'));
    await trial.rest();
    expect(trial.stored.at(-1)).toBe('i-7');
    await trial.settle();
    await trial.end();
  });

  it('of no interest is acknowledged without the store', async () => {
    const trial = new Trial();
    trial.bring(IGNORED, IGNORED);
    await trial.rest();
    expect([trial.stored, trial.acknowledged, trial.counted]).toEqual([[], [2], ['ignored', 'ignored']]);
    await trial.end();
  });
});

describe('while Postgres is away', () => {
  it('the same batch is tried again, nothing is acknowledged, and the log says so once', async () => {
    const trial = new Trial();
    trial.bring(update('i-1'));
    await trial.rest();
    const away = new Unavailable('the database is away');
    await trial.settle(away);
    trial.clock.advance(499); // 1 s, the last half of it random
    await trial.rest();
    expect(trial.stored).toEqual(['i-1']);
    trial.clock.advance(1);
    await trial.rest();
    await trial.settle(away);
    trial.clock.advance(1_000);
    await trial.rest();
    expect([trial.stored, trial.acknowledged]).toEqual([['i-1', 'i-1', 'i-1'], []]);
    await trial.settle();
    expect([trial.acknowledged, trial.begun]).toEqual([[1], 1]); // what the queue has dropped meanwhile has to be found
    expect(trial.logged).toEqual([
      'notifications cannot be stored now: they stay on the bus, and are tried again',
      'notifications are stored again',
    ]);
    await trial.end();
  });

  it('the end is not waited for: the broker keeps what was not acknowledged', async () => {
    const trial = new Trial();
    trial.bring(update('i-1'));
    await trial.rest();
    await trial.settle(new Unavailable('the database is away'));
    await trial.end();
    expect(trial.acknowledged).toEqual([]);
  });
});

describe('what cannot be taken', () => {
  it('is described, counted and acknowledged, and stops nothing', async () => {
    const trial = new Trial();
    trial.bring(Buffer.from('token-of-the-user'), update('i-1'), Buffer.from('[]'));
    await trial.rest();
    await trial.settle();
    expect(trial.letters.map(({ kind }) => kind)).toEqual(['not-json', 'wrong-envelope']);
    expect(trial.counted).toEqual(['stored', 'unreadable not-json', 'unreadable wrong-envelope']);
    expect(trial.acknowledged).toEqual([3]);
    expect(trial.logged.join()).not.toContain('token-of-the-user');
    await trial.end();
  });

  it('is logged once a kind', async () => {
    const trial = new Trial();
    trial.bring(...Array.from({ length: 50 }, () => Buffer.from('junk')), Buffer.from('[]'));
    await trial.rest();
    expect(trial.logged).toHaveLength(2);
    expect(trial.letters).toHaveLength(51);
    await trial.end();
  });

  it('because Postgres refuses it is found, and described without what Postgres says of it', async () => {
    const trial = new Trial();
    trial.bring(update('i-1'), update('i-2'));
    await trial.rest();
    const refusal = Object.assign(new Error('token-of-the-user'), { code: '22P05' });
    await trial.settle(refusal);
    await trial.settle();
    await trial.settle(refusal);
    expect(trial.stored).toEqual(['i-1 i-2', 'i-1', 'i-2']);
    expect(trial.letters).toMatchObject([
      { kind: 'not-storable', reason: 'cannot be stored (22P05)', eventType: 'instance.update', routingKey: 'k' },
    ]);
    expect(trial.letters[0]?.keys).toEqual(['event_type', 'payload']);
    expect(trial.acknowledged).toEqual([2]);
    expect(trial.logged.join()).not.toContain('token-of-the-user');
    await trial.end();
  });
});

describe('at the end', () => {
  it('the batch under way is stored and acknowledged, and what waits behind it is left to the broker', async () => {
    const trial = new Trial();
    trial.bring(update('i-1'));
    await trial.rest();
    trial.bring(update('i-2'));
    trial.stop.abort();
    await trial.settle();
    await trial.ended;
    expect([trial.stored, trial.acknowledged]).toEqual([['i-1'], [1]]);
  });

  it('of the channel nothing can be acknowledged, and that is no failure', async () => {
    const trial = new Trial();
    trial.bring(update('i-1'));
    await trial.rest();
    trial.isClosed = true;
    await trial.settle();
    await trial.end();
    expect(trial.acknowledged).toEqual([]);
  });
});
