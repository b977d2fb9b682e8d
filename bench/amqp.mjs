// From the bus to the sink: our consumer beside a bare one of the same client in the same run. Needs a broker (AMQP_URL); the sink does nothing.
// Run by `node .ci/build-if-older.mjs && node bench/amqp.mjs`.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { performance } from 'node:perf_hooks';
import amqp from 'amqplib';

const require = createRequire(import.meta.url);
const { RabbitMq } = require('../dist/lib/openstack/rabbitmq.js');
const { parseAmqpUrls } = require('../dist/lib/openstack/amqp-url.js');
const { DatabaseClock } = require('../dist/lib/store/clock.js');

const ADDRESS = process.env.AMQP_URL ?? 'amqp://guest:guest@127.0.0.1:5672';
const MESSAGES = Number(process.env.MESSAGES ?? 40_000);
const ROUNDS = Number(process.env.ROUNDS ?? 3);
const PREFETCH = 1_000;
const EXCHANGE = `bench-${randomUUID()}`;
const QUEUE = `${EXCHANGE}.queue`;
const TOPICS = { versioned: `${EXCHANGE}.versioned`, legacy: `${EXCHANGE}.legacy` };

const captured = readFileSync(new URL('../spec/fixtures/nova/real/sequence.jsonl', import.meta.url), 'utf8').trim().split('\n').map((line) => JSON.parse(line).message);
const envelope = (message) => Buffer.from(JSON.stringify({ 'oslo.version': '2.0', 'oslo.message': JSON.stringify(message) }));
const ofInstances = captured.slice(4).map(envelope);
const ofNoInterest = captured.slice(0, 4).map(envelope);

const connection = await amqp.connect(ADDRESS, { noDelay: true });
const channel = await connection.createConfirmChannel();
await channel.assertExchange(EXCHANGE, 'topic', { durable: false });
const properties = { persistent: true, contentType: 'application/json', contentEncoding: 'utf-8', headers: {}, priority: 0 };

/** Fills the queue, which is bound by then, with one message of an instance in `every`. */
async function fill(every) {
  for (let number = 0; number < MESSAGES; number += 1) {
    const bodies = number % every === 0 ? ofInstances : ofNoInterest;
    channel.publish(EXCHANGE, `${TOPICS.versioned}.info`, bodies[Math.floor(number / every) % bodies.length], properties);
    if (number % 1_000 === 999) await channel.waitForConfirms();
  }
  await channel.waitForConfirms();
}

/** Waits until everything has come, from the first message on. */
function stopwatch() {
  let begun = null;
  let cpu = null;
  let seen = 0;
  let finish;
  const finished = new Promise((resolve) => (finish = resolve));
  return {
    finished,
    took: () => {
      if (begun === null) {
        begun = performance.now();
        cpu = process.cpuUsage();
      }
      seen += 1;
      if (seen < MESSAGES) return;
      const { user, system } = process.cpuUsage(cpu);
      finish({ perSecond: MESSAGES / ((performance.now() - begun) / 1_000), micros: (user + system) / MESSAGES });
    },
  };
}

/** Counts deliveries, and acknowledges all that a packet brought. */
async function bare() {
  const own = await amqp.connect(ADDRESS, { noDelay: true });
  const consumer = await own.createChannel();
  await consumer.prefetch(PREFETCH);
  const watch = stopwatch();
  let last = null;
  await consumer.consume(QUEUE, (message) => {
    if (last === null)
      setImmediate(() => {
        consumer.ack(last, true);
        last = null;
      });
    last = message;
    watch.took();
  });
  const result = await watch.finished;
  await new Promise(setImmediate);
  await own.close();
  return result;
}

/** Ours; `observations` counts what reached the sink, `calls` how often it was called. */
async function ours() {
  const watch = stopwatch();
  let calls = 0;
  let observations = 0;
  const stop = new AbortController();
  const metrics = { busConnected: () => {}, messageTaken: () => watch.took() };
  const log = { info: () => {}, warn: (facts, line) => console.error(line, facts) };
  const options = { urls: parseAmqpUrls(ADDRESS), exchanges: [EXCHANGE], topics: TOPICS, notifications: 'both', queue: QUEUE };
  const bus = new RabbitMq(options, new DatabaseClock(), log, metrics);
  const store = async (list) => {
    calls += 1;
    observations += list.length;
  };
  const ended = bus.run({ store, begun: () => {} }, stop.signal);
  const result = await watch.finished;
  stop.abort();
  await ended;
  return { ...result, calls, observations };
}

/** One message at a time, from its publication to the sink, milliseconds. */
async function latency(count) {
  const stop = new AbortController();
  const options = { urls: parseAmqpUrls(ADDRESS), exchanges: [EXCHANGE], topics: TOPICS, notifications: 'both', queue: QUEUE };
  const nobody = { info: () => {}, warn: () => {}, busConnected: () => {}, messageTaken: () => {} };
  const bus = new RabbitMq(options, new DatabaseClock(), nobody, nobody);
  let arrived;
  let ended;
  await new Promise((begun) => {
    ended = bus.run({ store: async () => arrived(performance.now()), begun }, stop.signal);
  });
  const found = [];
  for (let number = 0; number < count; number += 1) {
    const arrival = new Promise((resolve) => (arrived = resolve));
    const sent = performance.now();
    channel.publish(EXCHANGE, `${TOPICS.versioned}.info`, ofInstances[number % ofInstances.length], properties);
    found.push((await arrival) - sent);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  stop.abort();
  await ended;
  return found.sort((one, other) => one - other);
}

/** Declares and binds our queue, so that what is published next waits in it. */
async function bind() {
  const stop = new AbortController();
  const options = { urls: parseAmqpUrls(ADDRESS), exchanges: [EXCHANGE], topics: TOPICS, notifications: 'both', queue: QUEUE };
  const nobody = { info: () => {}, warn: () => {}, busConnected: () => {}, messageTaken: () => {} };
  const bus = new RabbitMq(options, new DatabaseClock(), nobody, nobody);
  await new Promise((resolve) => void bus.run({ store: async () => {}, begun: resolve }, stop.signal));
  stop.abort();
  await new Promise((resolve) => setTimeout(resolve, 200));
}

const median = (list) => [...list].sort((one, other) => one - other)[Math.floor(list.length / 2)];

console.log(`${cpus().length} × ${cpus()[0].model}, Node ${process.version}, ${MESSAGES} messages a round, median of ${ROUNDS}\n`);
console.log('| | bare, messages/s | ours, messages/s | ratio | bare, CPU µs each | ours, CPU µs each | ratio | observations a call |');
console.log('| --- | --- | --- | --- | --- | --- | --- | --- |');
await bind();
for (const [name, every] of [['one in ten of an instance', 10], ['all of instances', 1]]) {
  const results = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await fill(every);
    const one = await bare();
    await fill(every);
    results.push([one, await ours()]);
  }
  const of = (read) => median(results.map(read));
  const perCall = of(([, { calls, observations }]) => observations / calls).toFixed(1);
  console.log(
    `| ${name} | ${[
      of(([one]) => one.perSecond).toFixed(0),
      of(([, two]) => two.perSecond).toFixed(0),
      of(([one, two]) => two.perSecond / one.perSecond).toFixed(2),
      of(([one]) => one.micros).toFixed(1),
      of(([, two]) => two.micros).toFixed(1),
      of(([one, two]) => two.micros / one.micros).toFixed(2),
      perCall,
    ].join(' | ')} |`,
  );
}
const found = await latency(200);
console.log(`\none at a time, from the publication to the sink: p50 ${found[100].toFixed(1)} ms, p99 ${found[198].toFixed(1)} ms`);
console.log(`largest memory of this process, which publishes as well: ${Math.round(process.resourceUsage().maxRSS / 1024)} MB`);

await channel.deleteQueue(QUEUE);
await channel.deleteExchange(EXCHANGE);
await connection.close();
