import { existsSync } from 'node:fs';
import * as path from 'node:path';
import type { Settings } from '../gateway/settings';
import { Storage } from './storage';
import type { StorageAsked } from './storage-arguments';
import { adoptionJson, adoptionText, json, orphanJson, orphanTable } from './storage-report';

/**
 * Does what is asked about volumes and rows, beside a gateway that runs or without one.
 * @returns what to print
 * @throws Error with words for the operator
 */
export async function runStorageCommand(asked: StorageAsked, settings: Settings, signal: AbortSignal): Promise<string> {
  if (settings.databaseUrl !== null) return carryOut(asked, settings, settings.databaseUrl, signal);
  const folder = path.join(settings.dataDirectory, 'postgres-18');
  if (!existsSync(folder))
    throw new Error(
      `There is no database in ${settings.dataDirectory}: set DATA_DIR or DATABASE_URL as the gateway has them.`,
    );
  const { startEmbeddedPostgres } =
    require('../store/embedded-postgres') as typeof import('../store/embedded-postgres');
  const postgres = await startEmbeddedPostgres(folder);
  try {
    return await carryOut(asked, settings, postgres.url(), signal);
  } finally {
    await postgres.stop();
  }
}

async function carryOut(asked: StorageAsked, settings: Settings, url: string, signal: AbortSignal): Promise<string> {
  const storage = await Storage.open(settings, url, asked.backend);
  try {
    switch (asked.kind) {
      case 'orphans': {
        const orphans = await storage.orphans(signal);
        return asked.json ? orphanJson(orphans) : orphanTable(orphans, storage.backends);
      }
      case 'adopt': {
        const adopted = await storage.adopt(asked.id, asked.wish, signal);
        return asked.json ? adoptionJson(asked.id, adopted) : adoptionText(asked.id, adopted);
      }
      case 'recreate':
        await storage.recreate(asked.id, signal);
        return asked.json
          ? json({ id: asked.id, state: 'creating' })
          : `${asked.id} gets a new, empty volume with the next run.\n`;
    }
  } finally {
    await storage.close();
  }
}
