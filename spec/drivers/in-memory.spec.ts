import { InMemoryDriver } from '../support/in-memory-driver';
import { describeDriver } from './contract';

describeDriver('in memory', async () => {
  const driver = new InMemoryDriver();
  return {
    driver,
    another: () => driver,
    unmount: async () => {
      const { marker } = driver;
      driver.marker = null;
      return async () => {
        driver.marker = marker;
      };
    },
    removeVolume: async (id) => {
      driver.stored.delete(id);
    },
    write: async (id, bytes) => {
      const volume = driver.stored.get(id);
      if (volume) volume.used += BigInt(bytes);
    },
    files: async (id) => {
      const volume = driver.stored.get(id);
      if (!volume || volume.retired) return null;
      return volume.used > 0n ? ['data'] : [];
    },
    hasData: async (id) => driver.stored.has(id),
    tearDown: async () => undefined,
  };
});
