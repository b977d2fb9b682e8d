import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { GatewayProcess } from '../support/gateway-process';
import { identityService } from '../support/identity-service';

const PROJECT = 'c735cd3225ff4a8d8610dbac82687363';
/** The distribution's, which has the client's modules, whatever else is installed. */
const PYTHON = '/usr/bin/python3';

const run = promisify(execFile);

describe("OpenStack's own clients", () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'gateway-'));
  let gateway: GatewayProcess;
  let identity: Awaited<ReturnType<typeof identityService>>;
  let endpoint: string;
  beforeAll(async () => {
    gateway = GatewayProcess.byNpmStart({ PORT: '0', DATA_DIR: folder });
    endpoint = `${await gateway.listening()}/v1.1/${PROJECT}`;
    identity = await identityService(endpoint, PROJECT);
  });
  afterAll(async () => {
    identity.close();
    gateway.interrupt();
    await gateway.exit;
    rmSync(folder, { recursive: true, force: true });
  });

  const credentials = (): Record<string, string> => ({
    OS_AUTH_URL: identity.url,
    OS_USERNAME: 'alice',
    OS_PASSWORD: 'any',
    OS_PROJECT_NAME: 'demo',
    OS_USER_DOMAIN_NAME: 'Default',
    OS_PROJECT_DOMAIN_NAME: 'Default',
    OS_IDENTITY_API_VERSION: '3',
  });
  const client = async (program: string, words: readonly string[], settings: Record<string, string>) => {
    const env = { PATH: '/usr/bin:/bin', HOME: folder, ...settings };
    const { stdout } = await run(program, words, { env });
    return JSON.parse(stdout) as unknown;
  };
  const LIST = ['extension', 'list', '--compute', '--long', '-f', 'json'];
  const LISTED = expect.objectContaining({ Name: 'Shared_fs', Alias: 'os-shared-filesystem' });

  it('openstack extension list --compute lists it, by the endpoint of the catalogue', async () => {
    expect(await client('openstack', LIST, credentials())).toEqual([LISTED]);
  });

  it('openstack extension list --compute lists it, by an endpoint that overrides the catalogue', async () => {
    const settings = { ...credentials(), OS_COMPUTE_ENDPOINT_OVERRIDE: endpoint };
    expect(await client('openstack', LIST, settings)).toEqual([LISTED]);
  });

  it('openstack extension list --compute lists it, by an endpoint without authentication', async () => {
    const settings = { OS_AUTH_TYPE: 'none', OS_ENDPOINT: endpoint };
    expect(await client('openstack', LIST, settings)).toEqual([LISTED]);
  });

  it.each([
    ['by the catalogue', ''],
    ['by an endpoint that overrides it', 'compute_endpoint_override=sys.argv[1]'],
    ['by that and a version', "compute_endpoint_override=sys.argv[1], compute_api_version='2'"],
  ])("openstacksdk's conn.compute.extensions() and find_extension() have it, %s", async (_how, options) => {
    const program = `
import json, sys, openstack
compute = openstack.connect(${options}).compute
found = compute.find_extension('os-shared-filesystem')
print(json.dumps({'all': [each.alias for each in compute.extensions()], 'found': found.name}))
`;
    const said = await client(PYTHON, ['-c', program, endpoint], credentials());
    expect(said).toEqual({ all: ['os-shared-filesystem'], found: 'Shared_fs' });
  });
});
