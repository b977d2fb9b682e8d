import { Unavailable } from '../../lib/domain/errors';
import { aVersioned, capturedSequence } from '../support/nova-notifications';
import { AMQP_URL, CloudBus } from './rabbitmq/cloud-bus';
import { Consumer, eventually } from './rabbitmq/consumer';

const update = (uuid: string) => aVersioned('update', { uuid });
const names = (count: number) => Array.from({ length: count }, (_, index) => `i-${index}`);
const SECRET = 'token-of-the-user';

let cloud: CloudBus;
const consumers: Consumer[] = [];
const consume = (options: ConstructorParameters<typeof Consumer>[2] = {}, url = AMQP_URL): Consumer => {
  const consumer = new Consumer(cloud, url, options);
  consumers.push(consumer);
  return consumer;
};

beforeEach(async () => {
  cloud = await CloudBus.open();
});
afterEach(async () => {
  await Promise.all(consumers.splice(0).map((consumer) => consumer.stop()));
  await cloud.close();
});

describe('the exchange', () => {
  it('is waited for when it is absent, and never declared', async () => {
    const consumer = consume();
    await eventually('it is missed', () => consumer.bus.status.message?.includes(cloud.exchange) === true);
    expect(consumer.bus.status.connected).toBe(false);
    await expect(cloud.ask((channel) => channel.checkExchange(cloud.exchange))).rejects.toMatchObject({ code: 404 });
    expect([consumer.begun, consumer.lines('warn').length]).toEqual([0, 1]);

    await cloud.declareExchange();
    await consumer.connecting();
    expect(consumer.begun).toBe(1);
    await cloud.publish(update('i-1'));
    await eventually('it is stored', () => consumer.ids.has('i-1'));
    expect(consumer.lines('info')).toContain('the exchange that was absent is there');
  });

  it.each([true, false])('is used as it is, durable: %s', async (durable) => {
    await cloud.declareExchange(durable);
    const consumer = consume();
    await consumer.connecting();
    await cloud.publish(update('i-1'));
    await eventually('it is stored', () => consumer.ids.has('i-1'));
    await expect(cloud.declareExchange(durable)).resolves.toBeUndefined();
  });

  it('of several that is there is consumed while another is waited for', async () => {
    await cloud.declareExchange();
    const consumer = consume({ exchanges: [cloud.exchange, `${cloud.exchange}-absent`] });
    await consumer.connecting();
    await cloud.publish(update('i-1'));
    await eventually('it is stored', () => consumer.ids.has('i-1'));
    expect(consumer.bus.status.message).toContain(`${cloud.exchange}-absent`);
  });
});

describe('the queues', () => {
  beforeEach(() => cloud.declareExchange());

  it('of others get every message, and are neither declared nor changed', async () => {
    const key = `${cloud.topics.versioned}.info`;
    const consumer = consume();
    await consumer.connecting();
    await expect(cloud.waiting(key)).rejects.toMatchObject({ code: 404 });
    const others = await cloud.queueOfOthers(key);
    for (const name of names(100)) cloud.send(update(name), key);
    await cloud.sent();
    await eventually('all are stored', () => consumer.ids.size === 100);
    await expect(cloud.waiting(others)).resolves.toBe(100);
  });

  it('of ours are durable, and have a lifetime and a limit', async () => {
    const consumer = consume();
    await consumer.connecting();
    await cloud.publish(Buffer.from('junk'));
    await eventually('it is set aside', () => consumer.counted.size === 1);
    const limits = { 'x-queue-type': 'classic', 'x-overflow': 'drop-head' };
    const ours = { ...limits, 'x-message-ttl': 3_600_000, 'x-max-length': 100_000, 'x-max-length-bytes': 268_435_456 };
    const letters = { ...limits, 'x-message-ttl': 604_800_000, 'x-max-length': 10_000 };
    await cloud.ask((channel) => channel.assertQueue(cloud.queue, { durable: true, arguments: ours }));
    await cloud.ask((channel) => channel.assertQueue(cloud.deadLetterQueue, { durable: true, arguments: letters }));
  });

  it('hold what came while nobody consumed', async () => {
    const first = consume();
    await first.connecting();
    await first.stop();
    await cloud.publish(update('i-1'));
    const second = consume();
    await eventually('it is stored', () => second.ids.has('i-1'));
  });

  it('of ours with other arguments are told of, and used when they are put right', async () => {
    await cloud.ask((channel) => channel.assertQueue(cloud.queue, { durable: true }));
    const consumer = consume();
    await eventually('it is told', () => consumer.bus.status.message?.includes('other arguments') === true);
    expect(consumer.lines('warn')).toHaveLength(1);
    await cloud.ask((channel) => channel.deleteQueue(cloud.queue));
    await consumer.connecting();
    expect(consumer.bus.status.message).toBeNull();
  });

  it.each([
    ['versioned', ['v']],
    ['legacy', ['l']],
    ['both', ['l', 'v']],
  ] as const)('are bound to %s alone, also after they were bound to more', async (notifications, expected) => {
    const before = consume({ notifications: 'both' });
    await before.connecting();
    await before.stop();
    const consumer = consume({ notifications });
    await consumer.connecting();
    await cloud.publish(update('v'), `${cloud.topics.versioned}.error`);
    await cloud.publish(update('l'), `${cloud.topics.legacy}.info`);
    await cloud.publish(update('other'), `${cloud.topics.legacy}.debug`);
    await eventually('they are stored', () => consumer.ids.size === expected.length);
    await expect(cloud.waiting()).resolves.toBe(0);
    expect([...consumer.ids].toSorted()).toEqual(expected);
  });

  it('are shared by several processes, each message is for one of them', async () => {
    const both = [consume(), consume()];
    await Promise.all(both.map((each) => each.connecting()));
    for (const name of names(2_000)) cloud.send(update(name));
    await cloud.sent();
    await eventually('all are stored', () => both.flatMap((each) => each.stored).length >= 2_000);
    expect(new Set(both.flatMap((each) => each.stored)).size).toBe(2_000);
    expect(both.every((each) => each.stored.length > 0)).toBe(true);
  });
});

describe('what is consumed', () => {
  beforeEach(() => cloud.declareExchange());

  it('is what a real Nova sent, in its order, and nothing of the token', async () => {
    const consumer = consume();
    await consumer.connecting();
    const sequence = capturedSequence();
    for (const { message, routingKey } of sequence)
      await cloud.publish(
        message,
        routingKey
          .replace(/^notifications/, cloud.topics.legacy)
          .replace(/^versioned_notifications/, cloud.topics.versioned),
      );
    await eventually('all are taken', () => consumer.stored.length === 34);
    expect(Object.fromEntries(consumer.counted)).toEqual({ stored: sequence.length - 4, ignored: 4 });
    expect(JSON.stringify(consumer.logged)).not.toContain(SECRET);
  });

  it('is stored in batches, one at a time, in its order', async () => {
    const consumer = consume();
    await consumer.connecting();
    let atOnce = 0;
    let most = 0;
    consumer.before = async (observations) => {
      atOnce += 1;
      expect(atOnce).toBe(1);
      most = Math.max(most, observations.length);
      await new Promise((resolve) => setTimeout(resolve, 20));
      atOnce -= 1;
    };
    for (const name of names(3_000)) cloud.send(update(name));
    await cloud.sent();
    await eventually('all are stored', () => consumer.stored.length === 3_000);
    expect(consumer.stored).toEqual(names(3_000));
    expect(most).toBeLessThanOrEqual(500);
    expect(consumer.calls).toBeLessThan(100);
  });

  it('stays on the bus while Postgres is away, at most 1,000 in this process', async () => {
    const consumer = consume();
    await consumer.connecting();
    let isAway = true;
    consumer.before = async () => {
      if (isAway) throw new Unavailable('the database is away');
    };
    for (const name of names(1_500)) cloud.send(update(name));
    await cloud.sent();
    await eventually('it is tried again', () => consumer.calls >= 3);
    await eventually('the rest waits', async () => (await cloud.waiting()) === 500);
    expect(consumer.stored).toEqual([]);
    isAway = false;
    await eventually('all are stored', () => consumer.stored.length === 1_500);
    expect(consumer.stored).toEqual(names(1_500));
    expect(consumer.lines('warn')).toEqual([
      'notifications cannot be stored now: they stay on the bus, and are tried again',
    ]);
  });

  it('is all stored but what Postgres refuses', async () => {
    const consumer = consume();
    await consumer.connecting();
    consumer.before = async (observations) => {
      if (observations.some(({ instanceId }) => instanceId === 'i-77')) throw new Error(SECRET);
    };
    for (const name of names(300)) cloud.send(update(name));
    await cloud.sent();
    await eventually('all others are stored', () => consumer.stored.length === 299);
    await eventually('it is set aside', () => consumer.counted.has('unreadable not-storable'));
    expect(consumer.stored).toEqual(names(300).filter((name) => name !== 'i-77'));
    await expect(cloud.takeDeadLetters(1)).resolves.toMatchObject([
      { kind: 'not-storable', event_type: 'instance.update' },
    ]);
    await consumer.stop();
    await expect(cloud.waiting()).resolves.toBe(0);
  });
});

describe('junk', () => {
  const ips = (address: string) => ({ uuid: 'hostile', ip_addresses: [{ 'nova_object.data': { address } }] });
  const JUNK: readonly (readonly [kind: string, message: unknown])[] = [
    ['not-json', Buffer.from(SECRET)],
    ['not-json', Buffer.alloc(0)],
    ['wrong-envelope', Buffer.from('[]')],
    ['wrong-envelope', Buffer.from(`{"oslo.version":"3.0","oslo.message":"${SECRET}"}`)],
    ['wrong-payload', {}],
    ['wrong-payload', { event_type: 7, [SECRET]: SECRET }],
    ['wrong-payload', { event_type: 'instance.update', payload: SECRET }],
    ['wrong-payload', aVersioned('update', { uuid: null })],
    ['wrong-payload', aVersioned('update', { uuid: 'a\nb' })],
    ['wrong-payload', aVersioned('update', { tenant_id: [SECRET] })],
    ['wrong-address', aVersioned('create.end', ips('*'))],
    ['wrong-address', aVersioned('create.end', ips('10.0.0.5(rw,no_root_squash)'))],
    ['too-large', Buffer.alloc(20 * 1024 * 1024, '"')],
    ['too-large', Buffer.from(JSON.stringify(aVersioned('update', { pad: SECRET.repeat(600_000) })))],
  ];

  it('is described, counted and said once a kind, and never stops the next message', async () => {
    await cloud.declareExchange();
    const consumer = consume();
    await consumer.connecting();
    for (const [index, [, message]] of JUNK.entries()) {
      await cloud.publish(message);
      await cloud.publish(update(`next-${index}`));
    }
    await eventually('all others are stored', () => consumer.ids.size === JUNK.length + 1, 30_000);
    const letters = await cloud.takeDeadLetters(JUNK.length);
    expect(letters.map(({ kind }) => kind)).toEqual(JUNK.map(([kind]) => kind));
    expect(letters.at(-2)).toMatchObject({
      reason: 'its body has more than 8 MiB',
      event_type: null,
      routing_key: `${cloud.topics.versioned}.info`,
      size: 20 * 1024 * 1024,
      keys: null,
    });
    expect(consumer.lines('warn')).toHaveLength(new Set(JUNK.map(([kind]) => kind)).size);
    for (const kind of ['not-json', 'wrong-envelope', 'wrong-payload', 'wrong-address', 'too-large'])
      expect(consumer.counted.get(`unreadable ${kind}`)).toBe(JUNK.filter(([each]) => each === kind).length);
    expect(JSON.stringify([letters, consumer.logged])).not.toContain(SECRET.repeat(2));
    await consumer.stop();
    await expect(cloud.waiting()).resolves.toBe(0);
  });

  it('that cannot be described is acknowledged all the same, and the log says so once', async () => {
    await cloud.declareExchange();
    await cloud.ask((channel) => channel.assertQueue(cloud.deadLetterQueue, { durable: true }));
    const consumer = consume();
    await consumer.connecting();
    for (const name of names(5)) {
      await cloud.publish(Buffer.from(SECRET));
      await cloud.publish(update(name));
    }
    await eventually('all others are stored', () => consumer.ids.size === 5);
    expect(consumer.lines('warn').filter((line) => line.includes('cannot be described'))).toHaveLength(1);
    await consumer.stop();
    await expect(cloud.waiting()).resolves.toBe(0);
  });
});

describe('the end', () => {
  beforeEach(() => cloud.declareExchange());

  it('comes when the batch under way is stored and acknowledged, and nothing more is begun', async () => {
    const consumer = consume();
    await consumer.connecting();
    let release = (): void => undefined;
    consumer.before = () => new Promise((resolve) => (release = resolve));
    await cloud.publish(update('i-1'));
    await eventually('it is being stored', () => consumer.calls === 1);
    await cloud.publish(update('i-2'));
    consumer.abort();
    const first = await Promise.race([consumer.ended.then(() => 'ended'), cloud.waiting().then(() => 'not yet')]);
    expect(first).toBe('not yet');
    release();
    await consumer.ended;
    expect(consumer.stored).toEqual(['i-1']);
    expect(consumer.bus.status.connected).toBe(false);
    await eventually('the other is left', async () => (await cloud.waiting()) === 1);
  });

  it('comes within 5 s, whatever the store does', async () => {
    const consumer = consume();
    await consumer.connecting();
    consumer.before = () => new Promise(() => undefined);
    await cloud.publish(update('i-1'));
    await eventually('it is being stored', () => consumer.calls === 1);
    const begun = performance.now();
    await consumer.stop();
    expect(performance.now() - begun).toBeLessThan(6_000);
  });

  it('comes at once while there is nothing to consume from', async () => {
    const consumer = consume({}, 'amqp://127.0.0.1:1');
    await eventually('it has failed', () => consumer.lines('warn').length === 1);
    const begun = performance.now();
    await consumer.stop();
    expect(performance.now() - begun).toBeLessThan(1_000);
  });
});
