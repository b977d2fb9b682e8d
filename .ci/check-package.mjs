// `npm pack` holds what runs and nothing else, and what it holds can be required and imported.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'package-'));
try {
  const [{ filename, files }] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--pack-destination', folder], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
  );
  const paths = files.map(({ path }) => path);
  const wrong = paths.filter((path) => /^(spec|bench|lib|\.ci)\/|\.spec\.|node_modules|\.built|^data\//.test(path));
  if (wrong.length > 0) throw new Error(`the package has what does not run: ${wrong.join(', ')}`);
  for (const needed of ['dist/lib/index.js', 'dist/lib/index.d.ts', 'dist/lib/cli/main.js', 'dist/lib/volume-program/main.js', 'docs/samples/nova-shared-filesystem.sudoers', 'extension.json', 'LICENSE', 'README.md'])
    if (!paths.includes(needed)) throw new Error(`the package lacks ${needed}`);
  writeFileSync(join(folder, 'package.json'), '{"private": true}');
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', join(folder, filename)], { cwd: folder, stdio: 'ignore' });
  const name = 'nova-shared-filesystem';
  const factory = 'createSharedFilesystemExtension';
  execFileSync('node', ['-e', `if (typeof require('${name}').${factory} !== 'function') process.exit(1)`], { cwd: folder });
  execFileSync('node', ['--input-type=module', '-e', `import { ${factory} } from '${name}'; if (!${factory}) process.exit(1)`], { cwd: folder });
  execFileSync(join(folder, 'node_modules/.bin', name), ['--version'], { cwd: folder });
  console.log(`${filename}: ${paths.length} files, can be required and imported`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
