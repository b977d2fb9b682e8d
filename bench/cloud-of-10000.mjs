// The cloud that the event benchmarks run in: 1,000 filesystems, 10,000 instances of 100 projects.
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';

export const PROJECTS = 100;
const PROJECT_FILESYSTEMS = 909;
const INSTANCE_FILESYSTEMS = 90;
const INSTANCES = 10_000;

const count = (length) => Array.from({ length }, (_, index) => index);
const inSlices = async (items, size, work) => {
  for (let from = 0; from < items.length; from += size) await Promise.all(items.slice(from, from + size).map(work));
};

/** Of the instance with that number. */
export const addressOf = (index) => `10.${10 + Math.floor(index / 62_500)}.${Math.floor(index / 250) % 250}.${(index % 250) + 1}`;

/** A legacy notification. */
export const event = (kind, id, project, ip) => ({
  event_type: `compute.instance.${kind}`,
  publisher_id: 'compute.bench',
  priority: 'INFO',
  message_id: randomUUID(),
  timestamp: new Date().toISOString().replace('T', ' ').replace('Z', '000'),
  payload: { instance_id: id, tenant_id: project, state: 'active', fixed_ips: [{ address: ip, type: 'fixed' }] },
});

/** Fills it through the API at `base`, and waits until it is at rest. */
export async function fill(base) {
  const call = async (method, path, body) => {
    const answer = await fetch(`${base}${path}`, { method, body: body && JSON.stringify(body), headers: body ? { 'content-type': 'application/json' } : {} });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.status === 202 ? null : answer.json();
  };
  const show = async (name, tenant) => (await call('GET', `/${tenant}/os-filesystem/${name}`)).fs_entry;
  await call('PUT', '/p0/os-filesystem/everybody', { fs_entry: { size: '1Gb', scope: 'global' } });
  await inSlices(count(PROJECT_FILESYSTEMS), 16, (index) =>
    call('PUT', `/p${index % PROJECTS}/os-filesystem/project-${index}`, { fs_entry: { size: '1Gb', scope: 'project' } }),
  );
  await inSlices(count(INSTANCE_FILESYSTEMS), 16, (index) =>
    call('PUT', `/p${index % PROJECTS}/os-filesystem/instance-${index}`, { fs_entry: { size: '1Gb', scope: 'instance' } }),
  );
  const ids = count(INSTANCES).map(() => randomUUID());
  for (let from = 0; from < INSTANCES; from += 1_000)
    await call('POST', '/p0/os-filesystem/_events', {
      events: count(1_000).map((index) => event('create.end', ids[from + index], `p${(from + index) % PROJECTS}`, addressOf(from + index))),
    });
  for (;;) {
    const global = await show('everybody', 'p0');
    const project = await show('project-7', 'p7');
    if (global.access.applied === INSTANCES && global.access.state === 'current' && project.access.state === 'current') break;
    await wait(200);
  }
  await wait(6_000);
  return { call, show };
}
