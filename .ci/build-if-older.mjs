// Builds `dist` when it is missing or older than what it is made of: run by `npm ci` (prepare) and before `npm start`.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const stamp = join(root, 'dist', '.built');

const sources = ['lib', 'schemas'].flatMap((folder) =>
  existsSync(join(root, folder))
    ? readdirSync(join(root, folder), { recursive: true }).map((name) => join(root, folder, name))
    : [],
);
const inputs = [...sources, ...['package.json', 'extension.json', 'tsconfig.json', 'tsconfig.build.json'].map((name) => join(root, name))];
const newest = Math.max(...inputs.map((name) => statSync(name).mtimeMs));

if (!existsSync(stamp) || statSync(stamp).mtimeMs < newest) {
  const compiler = join(root, 'node_modules', '.bin', 'tsc');
  if (!existsSync(compiler)) {
    // `npm ci --omit=dev`: there is no compiler, and nothing to do when a packed `dist` is there.
    if (existsSync(join(root, 'dist', 'lib', 'index.js'))) process.exit(0);
    console.error('There is no dist, and no compiler to make it: run `npm ci` without --omit=dev first.');
    process.exit(1);
  }
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  const { status } = spawnSync(compiler, ['-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, '');
}
