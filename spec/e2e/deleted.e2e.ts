import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { GatewayProcess } from '../support/gateway-process';

const FOLDERS = 40;
const FILES = 50;

interface Entry {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly purge: string | null;
}
interface Answer {
  readonly status: number;
  readonly body: {
    readonly fs_entry?: Entry;
    readonly deleted_fs_entries?: readonly Entry[];
  };
}

describe('what somebody has deleted, with a grace of a day', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'gateway-'));
  let gateway: GatewayProcess;
  let base: string;
  const start = async (): Promise<void> => {
    gateway = GatewayProcess.ofSources({ PORT: '0', DATA_DIR: folder, DELETION_GRACE: '86400' });
    base = `${await gateway.listening()}/v1.1/demo/os-filesystem`;
  };
  beforeAll(start);
  afterAll(async () => {
    await gateway.kill();
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  });

  const call = async (method: string, at: string, body?: object): Promise<Answer> => {
    const headers = { Prefer: 'wait=30', ...(body && { 'Content-Type': 'application/json' }) };
    const answer = await fetch(base + at, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    const text = await answer.text();
    return { status: answer.status, body: text === '' ? {} : JSON.parse(text) };
  };
  const inService = (id: string) => path.join(folder, 'volumes', id);
  const setAside = (id: string) => path.join(folder, 'volumes', '.retired', id);
  /** One with a tree of files in it, deleted. @returns its id */
  const aDeleted = async (name: string): Promise<string> => {
    const { body } = await call('PUT', `/${name}`, { fs_entry: { size: '1Gb', scope: 'project' } });
    const id = body.fs_entry?.id ?? '';
    for (let number = 0; number < FOLDERS; number += 1) {
      const where = path.join(inService(id), `chapter-${number}`);
      mkdirSync(where);
      for (let file = 0; file < FILES; file += 1) writeFileSync(path.join(where, `page-${file}`), `${number}/${file}`);
    }
    expect((await call('DELETE', `/${name}`)).status).toBe(204);
    return id;
  };
  const deleted = async (): Promise<readonly Entry[]> => (await call('GET', '/_deleted')).body.deleted_fs_entries ?? [];
  const goneFromDisk = (id: string) =>
    !existsSync(setAside(id)) && !existsSync(`${setAside(id)}.json`) && !existsSync(inService(id));

  it('comes back under another name with all that was in it, though its own name is taken', async () => {
    const id = await aDeleted('thesis');
    expect((await call('GET', '/thesis')).status).toBe(404);
    expect(await deleted()).toEqual([expect.objectContaining({ id, name: 'thesis', status: 'deleted' })]);
    expect((await call('PUT', '/thesis', { fs_entry: { size: '1Gb', scope: 'project' } })).status).toBe(201);
    expect((await call('POST', `/_deleted/${id}/restore`)).status).toBe(409);

    const back = await call('POST', `/_deleted/${id}/restore`, { name: 'thesis-2' });
    expect([back.status, back.body.fs_entry]).toEqual([200, expect.objectContaining({ id, status: 'available' })]);
    expect(readdirSync(inService(id))).toHaveLength(FOLDERS);
    expect(readFileSync(path.join(inService(id), 'chapter-7', 'page-9'), 'utf8')).toBe('7/9');
    expect(JSON.parse(readFileSync(`${inService(id)}.json`, 'utf8'))).toMatchObject({ name: 'thesis-2' });
    expect(await deleted()).toEqual([]);
  });

  it('comes back after a kill -9 right behind the request', async () => {
    const id = await aDeleted('poems');
    await fetch(`${base}/_deleted/${id}/restore`, { method: 'POST' });
    await gateway.kill();
    await start();
    const again = await call('PUT', '/poems', { fs_entry: { size: '1Gb', scope: 'project' } });
    expect(again.body.fs_entry).toMatchObject({ id, status: 'available' });
    expect(readFileSync(path.join(inService(id), 'chapter-39', 'page-49'), 'utf8')).toBe('39/49');
  });

  it('is gone from the disk when it is purged, also when the gateway is killed in the middle', async () => {
    const [now, interrupted] = [await aDeleted('drafts'), await aDeleted('letters')];
    expect((await call('DELETE', `/_deleted/${now}`)).status).toBe(204);
    expect(goneFromDisk(now)).toBe(true);

    await fetch(`${base}/_deleted/${interrupted}`, { method: 'DELETE' });
    await gateway.kill();
    await start();
    // whether it was done before the kill or goes on now: waited for, and no way back
    expect([204, 404]).toContain((await call('DELETE', `/_deleted/${interrupted}`)).status);
    expect(goneFromDisk(interrupted)).toBe(true);
    expect((await call('POST', `/_deleted/${interrupted}/restore`)).status).toBe(404);
    expect(await deleted()).toEqual([]);
  });
});
