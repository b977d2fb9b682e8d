import { setTimeout as delay } from 'node:timers/promises';
import { aVersioned } from '../support/nova-notifications';
import { AMQP_URL, CloudBus, closeConnections } from './rabbitmq/cloud-bus';
import { Consumer, eventually } from './rabbitmq/consumer';
import { TcpProxy } from './rabbitmq/tcp-proxy';

const update = (uuid: string) => aVersioned('update', { uuid });
const names = (count: number) => Array.from({ length: count }, (_, index) => `i-${index}`);

let cloud: CloudBus;
let proxy: TcpProxy;
const consumers: Consumer[] = [];
const by = (port: number) => AMQP_URL.replace(/@[^/]*/, `@127.0.0.1:${port}`);
const consume = (url = by(proxy.port)): Consumer => {
  const consumer = new Consumer(cloud, url);
  consumers.push(consumer);
  return consumer;
};

beforeEach(async () => {
  cloud = await CloudBus.open();
  await cloud.declareExchange();
  proxy = await TcpProxy.to(cloud.host, cloud.port);
});
afterEach(async () => {
  await Promise.all(consumers.splice(0).map((consumer) => consumer.stop()));
  await proxy.close();
  await cloud.close();
});

describe('a message that was not acknowledged', () => {
  it('comes again when the connection is lost while it is being stored', async () => {
    const consumer = consume();
    await consumer.connecting();
    let release = (): void => undefined;
    consumer.before = () =>
      new Promise((resolve) => {
        release = resolve;
      });
    await cloud.publish(update('i-1'));
    await eventually('it is being stored', () => consumer.calls === 1);
    await expect(cloud.waiting()).resolves.toBe(0);
    proxy.cut();
    await eventually('the broker has it again', async () => (await cloud.waiting()) === 1);
    consumer.before = async () => undefined;
    release();
    await eventually('it is stored again', () => consumer.calls === 2);
    expect([consumer.stored, consumer.begun]).toEqual([['i-1', 'i-1'], 2]);
  });
});

describe('nothing is lost, and each gap is told of', () => {
  const COUNT = 6_000;

  const flood = async (disturb: (round: number) => Promise<void> | void, rounds: number): Promise<Consumer> => {
    const consumer = consume();
    await consumer.connecting();
    consumer.before = () => delay(3);
    const all = names(COUNT);
    for (let round = 0; round < rounds; round += 1) {
      const part = COUNT / rounds;
      for (const name of all.slice(round * part, (round + 1) * part)) cloud.send(update(name));
      await eventually('some are stored', () => consumer.ids.size > round * part + 10);
      await disturb(round);
      await eventually('it is told of', () => consumer.begun === round + 2);
    }
    await cloud.sent();
    await eventually('all are stored', () => consumer.ids.size === COUNT, 30_000);
    return consumer;
  };
  const lost = 'the message bus is lost: tried again until notifications are consumed';
  const back = 'the message bus is back: notifications are consumed again';

  it('when the connection is cut in the middle', async () => {
    const consumer = await flood(() => proxy.cut(), 3);
    expect(consumer.lines('warn')).toEqual([lost, lost, lost]);
    expect(consumer.lines('info')).toEqual(['notifications are consumed', back, back, back]);
  });

  it('when the broker closes the connection', async () => {
    const consumer = await flood(() => closeConnections(proxy.upstreamPorts), 2);
    expect(consumer.lines('warn')).toEqual([lost, lost]);
    expect(JSON.stringify(consumer.logged)).toContain('closed by a spec');
  });

  it('when the broker cancels the consumer, because its queue was deleted', async () => {
    const consumer = consume();
    await consumer.connecting();
    await cloud.ask((channel) => channel.deleteQueue(cloud.queue));
    await eventually('it is told of', () => consumer.begun === 2);
    await cloud.publish(update('i-1'));
    await eventually('it is stored', () => consumer.ids.has('i-1'));
    expect([consumer.lines('warn'), proxy.accepted]).toEqual([[lost], 1]);
  });

  it('when the network forgets the connection without a word', async () => {
    const consumer = consume();
    await consumer.connecting();
    proxy.freeze();
    await cloud.publish(update('i-1'));
    await eventually('it is told of', () => consumer.begun === 2, 40_000);
    await eventually('it is stored', () => consumer.ids.has('i-1'), 40_000);
    expect(consumer.lines('warn')).toEqual([lost]);
  });

  it('when an exchange is deleted and declared anew', async () => {
    const consumer = consume();
    await consumer.connecting();
    await cloud.ask((channel) => channel.deleteExchange(cloud.exchange));
    await cloud.declareExchange();
    let sent = 0;
    const again = async (): Promise<boolean> => {
      sent += 1;
      await cloud.publish(update(`i-${sent}`));
      return consumer.ids.size > 0;
    };
    await eventually('one is stored', again, 40_000);
  });
});

describe('a broker that is out of reach', () => {
  it('is tried until it is there, and the log says so once', async () => {
    proxy.refuse();
    const consumer = consume();
    await eventually('it is tried again', () => consumer.connected.length >= 3);
    expect(consumer.bus.status).toMatchObject({ connected: false, message: expect.stringContaining('not consumed') });
    proxy.accept();
    await consumer.connecting();
    expect([consumer.lines('warn').length, consumer.begun, consumer.connected.at(-1)]).toEqual([1, 1, true]);
  });

  it('is not waited for when another of them is there', async () => {
    const consumer = consume(by(proxy.port).replace(/@/, '@127.0.0.1:1,'));
    await consumer.connecting();
    proxy.cut();
    await eventually('it is told of', () => consumer.begun === 2);
    expect(proxy.accepted).toBe(2);
  });

  it('that closes as it opens is connected to again', async () => {
    const openOk = Buffer.from('01000000000005000a002900ce', 'hex');
    const close = Buffer.from('01000000000016000a003201400b4e4f5420544f444159212100000000ce', 'hex');
    let times = 0;
    proxy.rewrite((bytes) => {
      if (times > 0 || !bytes.includes(openOk)) return bytes;
      times += 1;
      return Buffer.concat([bytes, close]);
    });
    const consumer = consume();
    await consumer.connecting();
    expect([times, consumer.begun]).toEqual([1, 1]);
  });

  it('or refuses the login is told of without the password', async () => {
    const consumer = consume(by(proxy.port).replace(/\/\/[^@]*/, '//nobody:s3cret'));
    await eventually('it is told of', () => consumer.bus.status.message?.includes('ACCESS') === true);
    expect(JSON.stringify([consumer.bus.status, consumer.logged])).not.toContain('s3cret');
  });
});
