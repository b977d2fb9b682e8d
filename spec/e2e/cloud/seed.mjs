// What is in Keystone beside its administrator `admin` of project `admin`: node seed.mjs IDENTITY_URL COMPUTE_URL
// The password of a user NAME is `NAME-password`.
const [identityUrl, computeUrl] = process.argv.slice(2);
const PROJECTS = ['alpha', 'beta', 'service'];
const GRANTS = [
  ['alice', 'member', 'alpha'],
  ['bob', 'member', 'beta'],
  ['ron', 'reader', 'alpha'],
  // may ask about anybody's token
  ['shared-filesystem', 'service', 'service'],
  // may ask for the instances of all projects too
  ['nova', 'service', 'service'],
  ['nova', 'admin', 'service'],
];
const domain = { id: 'default' };

async function ask(method, path, body, token = '') {
  const headers = { 'Content-Type': 'application/json', 'X-Auth-Token': token };
  const answer = await fetch(identityUrl + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer;
}

const password = { user: { name: 'admin', domain, password: 'admin-password' } };
const auth = { identity: { methods: ['password'], password }, scope: { system: { all: true } } };
const token = (await ask('POST', '/auth/tokens', { auth })).headers.get('x-subject-token');

/** @returns its id */
async function create(kind, what) {
  const created = await (await ask('POST', `/${kind}s`, { [kind]: what }, token)).json();
  return created[kind].id;
}

const ids = new Map();
for (const name of PROJECTS) ids.set(name, await create('project', { name, domain_id: domain.id }));
for (const name of new Set(GRANTS.map(([user]) => user)))
  ids.set(name, await create('user', { name, domain_id: domain.id, password: `${name}-password` }));
await create('role', { name: 'service' });
const { roles } = await (await ask('GET', '/roles', undefined, token)).json();
for (const [name, role, project] of GRANTS) {
  const { id } = roles.find((each) => each.name === role);
  await ask('PUT', `/projects/${ids.get(project)}/users/${ids.get(name)}/roles/${id}`, undefined, token);
}
const service_id = await create('service', { name: 'nova', type: 'compute' });
await create('endpoint', { service_id, interface: 'public', region_id: 'RegionOne', url: computeUrl });
