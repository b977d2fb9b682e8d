import { rm } from 'node:fs/promises';
import { ganeshaOfStandIn } from '../../support/ganesha-backend';
import { describeKilled } from '../../support/ganesha-killed';

jest.mock('../../../lib/drivers/durable-file', () => {
  const actual = jest.requireActual('../../../lib/drivers/durable-file');
  const { endings } = jest.requireActual('../../support/killer');
  return { ...actual, ...endings(actual) };
});

describeKilled('a stand-in for NFS-Ganesha', async () => {
  const backend = await ganeshaOfStandIn();
  const { bus, folder } = backend;
  return {
    ...backend,
    restart: async () => bus.restart(),
    served: async (number) => bus.exports.get(number)?.clients ?? null,
    tearDown: () => rm(folder, { recursive: true, force: true }),
  };
});
