import { spawnSync } from 'node:child_process';
import * as path from 'node:path';

describe('docs/configuration.md', () => {
  it('is what schemas/config.json says', () => {
    const generator = path.resolve(__dirname, '../../.ci/generate-configuration-docs.mjs');
    const { stderr, status } = spawnSync(process.execPath, [generator, '--check'], { encoding: 'utf8' });
    expect([stderr, status]).toEqual(['', 0]);
  });
});
