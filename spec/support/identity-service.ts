import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a client needs of Keystone to find the Compute endpoint: any password is right, the catalogue has one service. */
export async function identityService(
  computeUrl: string,
  projectId: string,
): Promise<{ readonly url: string; close(): void }> {
  const server = createServer((request, response) => {
    const send = (status: number, body: unknown) => {
      response.writeHead(status, { 'Content-Type': 'application/json', 'X-Subject-Token': 'a-token' });
      response.end(JSON.stringify(body));
    };
    if (request.url === '/v3/auth/tokens') send(201, { token: token(computeUrl, projectId) });
    else send(200, { version: { id: 'v3.14', status: 'stable', links: [{ rel: 'self', href: `${url()}/` }] } });
  });
  const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/v3`;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: url(),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function token(computeUrl: string, projectId: string): object {
  const domain = { id: 'default', name: 'Default' };
  const endpoint = { id: 'e', interface: 'public', region: 'RegionOne', region_id: 'RegionOne', url: computeUrl };
  return {
    methods: ['password'],
    issued_at: '2026-01-01T00:00:00.000000Z',
    expires_at: '2099-01-01T00:00:00.000000Z',
    user: { id: 'u', name: 'alice', domain },
    project: { id: projectId, name: 'demo', domain },
    roles: [{ id: 'r', name: 'member' }],
    catalog: [{ id: 'c', type: 'compute', name: 'nova', endpoints: [endpoint] }],
  };
}
