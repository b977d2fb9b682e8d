import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import * as fc from 'fast-check';
import { parseAddress, parseMac } from '../../lib/domain/address';
import { Unavailable } from '../../lib/domain/errors';
import type { Observation } from '../../lib/domain/instance';
import { isInstanceId, isProjectId } from '../../lib/domain/name';
import { NovaComputeApi } from '../../lib/openstack/compute-api';
import { allOf } from '../support/all-of';
import { HandClock } from '../support/hand-clock';
import { type ScriptedCompute, scriptedCompute } from '../support/scripted-compute';

const ID = 'd25d21d2-07bb-40ac-8e87-da06ea4a6a53';
const NOW = new Date('2026-11-24T12:00:00Z');
const SECRET = 'what nobody may see';

const sampleText = (name: string) =>
  JSON.stringify(JSON.parse(readFileSync(join(__dirname, `../fixtures/nova/api/${name}.json`), 'utf8')).body);
const SERVICES = JSON.stringify({ services: [{ binary: 'nova-compute', host: 'h', status: 'enabled' }] });
const INTERFACES = JSON.stringify({
  interfaceAttachments: [
    { net_id: 'n', port_id: 'p', mac_addr: 'fa:16:3e:00:00:15', fixed_ips: [{ ip_address: '10.20.0.21' }] },
  ],
});

const hostile = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom<unknown>(SECRET, null, [], {}, [[]], 7, ID, 'deleted', '::ffff:10.0.0.1', '10.0.0.1/8', '__proto__'),
);

/** An answer with one value replaced, however deep it lies, and sometimes cut off. */
const spoiled = (texts: readonly string[]) =>
  fc
    .tuple(fc.constantFrom(...texts), fc.nat(150), hostile, fc.option(fc.nat(1_500)))
    .map(([text, position, value, length]) => {
      let left = position;
      const other = JSON.stringify(JSON.parse(text, (_key, present) => (left-- === 0 ? value : present))) ?? '';
      return length === null ? other : other.slice(0, length);
    });
const answers = fc.record({
  server: spoiled([sampleText('server'), sampleText('server-deleted')]),
  page: spoiled([sampleText('servers-detail-all'), sampleText('servers-detail-alpha')]),
  summary: spoiled([sampleText('bad-accept'), '{"servers": []}']),
  interfaces: spoiled([INTERFACES]),
  services: spoiled([SERVICES]),
  status: fc.constantFrom(200, 200, 200, 404, 500),
});

let answer = { server: '', page: '', summary: '', interfaces: '', services: '', status: 200 };
let scripted: ScriptedCompute;
beforeAll(async () => {
  scripted = await scriptedCompute((path) => {
    if (path === '/os-services') return { text: answer.services };
    if (path.endsWith('/os-interface')) return { text: answer.interfaces, status: answer.status };
    if (path.startsWith('/servers/detail')) return { text: answer.page };
    if (path.startsWith('/servers?')) return { text: answer.summary };
    return { text: answer.server, status: answer.server.includes('itemNotFound') ? 404 : 200 };
  });
});
afterAll(() => scripted.close());

const { signal } = new AbortController();
const compute = () =>
  new NovaComputeApi({ url: scripted.url, token: async () => 'token', readInterfaces: true, clock: new HandClock() });

/** What is thrown is Unavailable, in few words of ours. */
const outcome = async <Result>(work: Promise<Result>): Promise<Result | null> =>
  work.catch((error: unknown) => {
    expect(error).toBeInstanceOf(Unavailable);
    expect(inspect(error, { depth: null, showHidden: true })).not.toContain(SECRET);
    expect((error as Error).message.length).toBeLessThan(200);
    return null;
  });

const expectValid = (observation: Observation) => {
  const { instanceId, project, state, addresses = [], time, source, cause } = observation;
  expect(isInstanceId(instanceId) && (project === undefined || isProjectId(project))).toBe(true);
  expect([undefined, 'live', 'suspended', 'gone']).toContain(state);
  for (const { address, kind, network, port, mac } of addresses) {
    expect(parseAddress(address)).toBe(address);
    expect(['fixed', 'floating']).toContain(kind);
    expect([network, port].every((id) => id === null || isInstanceId(id))).toBe(true);
    expect(mac === null || parseMac(mac) === mac).toBe(true);
  }
  expect({ time, source }).toEqual({ time: NOW, source: 'compute' });
  expect(['compute.server', 'compute.absent']).toContain(cause);
};

describe('whatever Compute answers', () => {
  it('about an instance is a valid observation of it, or Unavailable', async () => {
    let valid = 0;
    await fc.assert(
      fc.asyncProperty(answers, async (given) => {
        answer = given;
        const found = await outcome(compute().find(ID, signal));
        if (found === null) return;
        valid += 1;
        expectValid(found);
        expect(found.instanceId).toBe(ID);
      }),
      { numRuns: 400 },
    );
    expect(valid).toBeGreaterThan(20);
  });

  it('about all instances is valid observations of them, or Unavailable', async () => {
    let valid = 0;
    await fc.assert(
      fc.asyncProperty(answers, async (given) => {
        answer = given;
        const pages = await outcome(allOf(compute().list(signal)));
        for (const { instanceIds, observations } of pages ?? []) {
          expect(instanceIds.every(isInstanceId)).toBe(true);
          for (const observation of observations) {
            valid += 1;
            expectValid(observation);
            expect(instanceIds).toContain(observation.instanceId);
          }
        }
      }),
      { numRuns: 400 },
    );
    expect(valid).toBeGreaterThan(20);
  });
});
