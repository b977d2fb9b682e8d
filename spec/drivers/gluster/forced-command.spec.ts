import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { createGlusterDriver } from '../../../lib/drivers/gluster';
import { Settings } from '../../../lib/drivers/settings';
import { thisProcess } from '../../../lib/process-identity';
import { GlusterStandIn } from '../../support/gluster-stand-in';
import { aVolume } from '../contract';

const { signal } = new AbortController();
const ID = '6f1c2f0e-3b7a-4c57-9a55-0d1a2b3c4d5e';

describe('the forced command of docs/drivers.md', () => {
  let folder: string;
  let program: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'nova-shared-filesystem-spec-'));
    const docs = readFileSync(path.join(__dirname, '../../../docs/drivers.md'), 'utf8');
    const text = /```sh\n(#!\/bin\/sh\n# Forced command[\s\S]*?)```/.exec(docs)?.[1] ?? '';
    program = path.join(folder, 'forced-command');
    const gluster = path.join(folder, 'gluster');
    writeFileSync(gluster, '#!/bin/sh\necho "ran $*"\n');
    writeFileSync(
      program,
      text
        .replace('program=/usr/sbin/gluster', `program=${gluster}`)
        .replace('exec /usr/bin/rm', 'exec echo removed')
        .replace('bricks=/bricks/one/volumes', 'bricks=/bricks/one'),
    );
    for (const each of [program, gluster]) chmodSync(each, 0o755);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const outcome = (call: string) => {
    try {
      return execFileSync(program, {
        env: { PATH: '/usr/bin:/bin', SSH_ORIGINAL_COMMAND: call },
        stdio: 'pipe',
      }).toString();
    } catch {
      return 'refused';
    }
  };

  it('lets all calls of the driver pass, word for word', async () => {
    const gluster = new GlusterStandIn();
    const driver = createGlusterDriver(
      new Settings(
        {
          bricks: ['192.0.2.1:/bricks/one', 'two.example:/bricks/one'],
          replica: 2,
          bricksOn: 'any-disk',
          exportAddress: '192.0.2.1',
          command: ['/ssh', 'gluster'],
          brickCommand: ['/ssh', '{host}'],
          options: ['network.ping-timeout=10'],
          lockDirectory: path.join(folder, 'locks'),
        },
        'backend',
      ),
      '',
      thisProcess(),
      { run: gluster.run, partingMilliseconds: 1_000 },
    );
    const volume = aVolume();
    await driver.mark('0f8a1c52-6d1e-4f0a-9b6c-3d2e1f0a9b8c', signal);
    await driver.check(signal);
    await driver.ensure(volume, true, signal);
    const block = Array.from({ length: 256 }, (_, index) => `10.0.1.${index}`);
    await driver.syncAccess(volume, { addresses: [...block, '10.0.2.1', 'fd00::1'], revision: 1n }, true, signal);
    await driver.syncAccess(volume, { addresses: ['fd00::1'], revision: 2n }, true, signal);
    await driver.ensure(volume, false, signal);
    await driver.usage([volume], signal);
    await driver.volumes(signal);
    await driver.retire(volume, signal);
    await driver.restore(volume, signal);
    await driver.retire(volume, signal);
    await driver.purge(volume, signal);
    expect(gluster.calls.length).toBeGreaterThan(25);
    for (const call of gluster.calls) {
      const words = call.replace('/ssh ', '').replace(/^(192\.0\.2\.1|two\.example) /, '');
      const ran = words.startsWith('gluster')
        ? words.replace('gluster', 'ran')
        : words.replace('/usr/bin/rm', 'removed');
      expect([words, outcome(words)]).toEqual([words, `${ran}\n`]);
    }
  });

  const volume = 'gluster --mode=script --xml volume';
  it.each([
    '',
    'sh',
    'gluster volume list',
    `${volume} reset ${ID}`,
    `${volume} reset ${ID} auth.allow`,
    `${volume} set ${ID} auth.allow *`,
    `${volume} set ${ID} auth.allow NONE`,
    `${volume} set ${ID} auth.allow 10.0.0.1/30`,
    `${volume} set ${ID} auth.reject 10.0.0.1`,
    `${volume} set all cluster.brick-multiplex on`,
    `${volume} delete mydata`,
    `${volume} delete ${ID} force`,
    `${volume} create ${ID} 192.0.2.1:/etc/${ID}`,
    `${volume} create ${ID} 192.0.2.1:/bricks/one/../${ID}`,
    `${volume} quota ${ID} disable`,
    `${volume} info all; reboot`,
    `${volume} info all\nreboot`,
    `reboot\n${volume} info all`,
    `${volume} info $(reboot)`,
    `/usr/bin/rm -rf --one-file-system -- /bricks/one`,
    `/usr/bin/rm -rf --one-file-system -- /bricks/one/../${ID}`,
    `/usr/bin/rm -rf --one-file-system -- /bricks/one/${ID} /etc`,
    `/usr/bin/rm -rf --one-file-system -- /etc/${ID}`,
  ])('refuses %j', (call) => {
    expect(outcome(call)).toBe('refused');
  });
});
