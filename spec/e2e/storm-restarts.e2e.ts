import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../lib/store/embedded-postgres';
import { AccessLedger } from '../support/access-ledger';
import { Sampler } from '../support/access-sampler';
import { busSettings } from '../support/bus-settings';
import { Churn } from '../support/churn';
import { ComputeStandIn } from '../support/compute-stand-in';
import { differenceOf, eventually } from '../support/eventually';
import { FollowingGateway } from '../support/following-gateway';
import { LosingPublisher } from '../support/losing-publisher';
import { MessageMaker } from '../support/made-messages';
import { PrivateBroker } from '../support/private-broker';
import { ToldCloud } from '../support/told-cloud';

const PROJECTS = ['alpha', 'beta', 'gamma'];
const SAMPLE_MILLISECONDS = 25;
/** How long something is away, and how long all is well before and after. `STORM=whole`: longer, and over and over. */
const isWhole = process.env.STORM === 'whole';
const AWAY_MILLISECONDS = isWhole ? 5_000 : 2_000;
const WELL_MILLISECONDS = isWhole ? 5_000 : 2_000;
const ROUNDS = isWhole ? 3 : 1;
/** What was lost is asked about by then: once in 10 s about one instance. */
const RIGHT_MILLISECONDS = 60_000;

describe('a storm in which everything is restarted', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'postgres-'));
  const broker = new PrivateBroker();
  const compute = new ComputeStandIn();
  const ledger = new AccessLedger();
  const filesystems = new Map<string, { readonly id: string; readonly project: string | null }>();
  const name = `restarts-${randomUUID()}`;
  const queue = `${name}.queue`;
  const topics = { versioned: 'versioned_notifications', legacy: 'notifications' };
  let postgres: EmbeddedPostgres;
  let gateway: FollowingGateway;
  let nova: LosingPublisher;
  let churn: Churn;
  let sampler: Sampler;

  const startPostgres = async (): Promise<void> => {
    postgres = await startEmbeddedPostgres(path.join(folder, 'server'));
  };
  beforeAll(async () => {
    await Promise.all([broker.make(), compute.start(), startPostgres()]);
    const bus = { exchange: name, queue, topics };
    nova = new LosingPublisher(broker.url, bus);
    gateway = new FollowingGateway({
      ...busSettings(broker.url, bus),
      DATABASE_URL: postgres.url(),
      COMPUTE_URL: compute.url,
      COMPUTE_TOKEN: 'admin-token',
    });
    await gateway.start();
    filesystems.set('everybodys', { id: await gateway.make('everybodys', 'alpha', 'global'), project: null });
    for (const project of PROJECTS)
      filesystems.set(`of-${project}`, { id: await gateway.make(`of-${project}`, project), project });
    const tools = { maker: new MessageMaker(), nova, told: new ToldCloud(compute), ledger };
    const addresses = Array.from({ length: 50 }, (_, index) => `10.40.0.${index + 1}`);
    churn = new Churn(tools, { projects: PROJECTS, living: 40, addresses, turnMilliseconds: 60 });
    sampler = new Sampler(SAMPLE_MILLISECONDS, (now) => {
      for (const [each, { id, project }] of filesystems) ledger.seen(each, project, gateway.exported(id), now);
    });
  }, 60_000);
  afterAll(async () => {
    await churn?.end();
    await sampler?.stop();
    await gateway?.stop();
    await nova?.close();
    await compute.stop();
    await postgres?.stop();
    await broker.remove();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  const wrong = (): string | null => {
    for (const [each, { id, project }] of filesystems) {
      const entitled = churn.living.filter((instance) => project === null || instance.project === project);
      const wanted = entitled.flatMap(({ addresses }) => addresses);
      const differs = differenceOf(gateway.exported(id), wanted);
      if (differs !== null) return `${each}: ${differs}`;
    }
    return null;
  };

  const postmaster = () => Number.parseInt(readFileSync(path.join(folder, 'server/data/postmaster.pid'), 'utf8'), 10);

  const parts = {
    bus: { down: () => broker.stop(), up: () => broker.start() },
    compute: { down: () => compute.kill(), up: () => compute.start() },
    postgres: { down: () => postgres.stop(), up: startPostgres },
    // whoever uses it starts it again
    postmaster: { down: async () => process.kill(postmaster(), 'SIGKILL'), up: async () => undefined },
    gateway: { down: () => gateway.kill(), up: () => gateway.start() },
    // as if it had waited for longer than messages live
    messages: { down: () => gateway.kill(), up: () => broker.purge(queue).then(() => gateway.start()) },
  };

  it.each<[what: string, ...away: (keyof typeof parts)[]]>([
    ['the bus is restarted', 'bus'],
    ['Compute is restarted', 'compute'],
    ['Postgres is restarted', 'postgres'],
    ['Postgres is killed', 'postmaster'],
    ['the service is killed', 'gateway'],
    ['the service is killed, and what waits for it expires', 'messages'],
    ['the bus and Compute are restarted', 'bus', 'compute'],
    ['the bus and Postgres are restarted, and the service is killed', 'bus', 'postgres', 'gateway'],
  ])(
    'lets in nobody who should not be while %s, and is right soon after',
    async (what, ...away) => {
      for (let round = 0; round < ROUNDS; round += 1) {
        churn.begin();
        await wait(WELL_MILLISECONDS);
        await Promise.all(away.map((part) => parts[part].down()));
        await wait(AWAY_MILLISECONDS);
        for (const part of away) await parts[part].up();
        await wait(WELL_MILLISECONDS);
        await churn.end();
        const rightAfter = await eventually(wrong, RIGHT_MILLISECONDS);
        console.info(`${what}: right after ${Math.round(rightAfter)} ms; ${nova.lost} messages are lost by now`);
        expect(ledger.violations).toEqual([]);
      }
    },
    ROUNDS * 100_000,
  );
});
