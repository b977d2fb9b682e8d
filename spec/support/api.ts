import { mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import express from 'express';
import request, { type Test } from 'supertest';
import {
  createSharedFilesystemExtension,
  type InstanceReport,
  type SharedFilesystemExtension,
  type SharedFilesystemOptions,
} from '../../lib';
import type { Identity } from '../../lib/domain/identity';
import { Database } from '../../lib/store/database';
import { type FreshDatabase, migratedDatabase } from './database';

/** The extension in a host, on a database and with a backend of its own. */
export interface Api {
  readonly extension: SharedFilesystemExtension;
  readonly database: Database;
  /** Where the exports files and volumes are. */
  readonly folder: string;
  /** Sends a request in the caller's own tenant URL, or in that of `tenant`. */
  send(method: Method, path: string, options?: SendOptions): Test;
  /** PUTs a filesystem and waits until its backend has it. @returns every attribute */
  make(name: string, entry: object, as?: Partial<Identity>): Promise<Entry>;
  /** Says that instances are live, and waits until every backend has what follows. */
  live(id: string, project: string, ...addresses: readonly string[]): Promise<void>;
  gone(id: string): Promise<void>;
  stop(): Promise<void>;
}

export type Method = 'get' | 'put' | 'post' | 'delete' | 'head' | 'options' | 'patch';
/** An answer, to be looked at field by field. */
export type Entry = ReturnType<typeof JSON.parse>;

export interface SendOptions {
  readonly as?: Partial<Identity> | null | undefined;
  readonly tenant?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export const MEMBER: Identity = { projectId: 'demo', userId: 'user', roles: ['member'], isAdmin: false };
export const ADMIN: Identity = { projectId: 'admin', userId: 'root', roles: ['admin'], isAdmin: true };
const CALLER = 'x-spec-caller';

/** What a host knows of the caller: here a header tells. */
export const identityOfSpec: SharedFilesystemOptions['identity'] = ({ headers }) => {
  const caller = headers[CALLER];
  return typeof caller === 'string' ? (JSON.parse(caller) as Identity | null) : null;
};

export async function startApi(options: Partial<SharedFilesystemOptions> = {}): Promise<Api> {
  const fresh: FreshDatabase = await migratedDatabase();
  const folder = await mkdtemp(path.join(tmpdir(), 'nova-shared-filesystem-spec-'));
  const extension = await createSharedFilesystemExtension({
    database: { connectionString: fresh.url },
    identity: identityOfSpec,
    networks: null,
    backends: [
      {
        name: 'default',
        driver: 'nfs',
        server: 'exports-file',
        volumes: { kind: 'directory', root: path.join(folder, 'volumes') },
        exports: { directory: path.join(folder, 'exports'), exportAddress: '192.0.2.1' },
      },
    ],
    ...options,
  });
  const app = express();
  app.disable('x-powered-by');
  app.use('/v1.1/:tenant', extension.router);
  app.use((_request, response) => void response.status(404).json({ host: 'not found' }));
  await extension.start();
  const server: Server = await new Promise((resolve) => {
    const listening = app.listen(0, '127.0.0.1', () => resolve(listening));
  });
  const database = new Database({ connectionString: fresh.url, poolSize: 2 });

  const send: Api['send'] = (method, where, { as = MEMBER, tenant, body, headers = {} } = {}) => {
    const caller = as && { ...MEMBER, ...as };
    const url = `/v1.1/${tenant ?? caller?.projectId ?? 'demo'}${where}`;
    const sending = request(server);
    const sent = sending[method](url).set({
      ...(caller ? { [CALLER]: JSON.stringify(caller) } : {}),
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...headers,
    });
    if (body === undefined) return sent;
    return sent.send(typeof body === 'string' ? body : JSON.stringify(body));
  };
  const confirm = async (reports: readonly InstanceReport[]): Promise<void> => {
    const unconfirmed = await extension.instances.report(reports, { waitSeconds: 30 });
    if (unconfirmed.length > 0) throw new Error(`not confirmed: ${JSON.stringify(unconfirmed)}`);
  };
  return {
    extension,
    database,
    folder,
    send,
    make: async (name, entry, as = MEMBER) => {
      const answer = await send('put', `/os-filesystem/${name}`, {
        as,
        body: { fs_entry: entry },
        headers: { Prefer: 'wait=10' },
      });
      if (answer.status !== 201 && answer.status !== 200)
        throw new Error(`PUT ${name}: ${answer.status} ${answer.text}`);
      return answer.body.fs_entry;
    },
    live: (id, project, ...addresses) => confirm([{ id, project, state: 'live', addresses }]),
    gone: (id) => confirm([{ id, state: 'gone' }]),
    stop: async () => {
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
      await extension.stop();
      await database.close();
      await fresh.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
