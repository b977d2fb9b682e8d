// Makes lib/generated/*.ts of schemas/*.json. `--check`: changes nothing, and fails when a file is not what it would be.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileFromFile } from 'json-schema-to-typescript';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const schemas = join(root, 'schemas');
const generated = join(root, 'lib', 'generated');

const files = new Map();
for (const name of readdirSync(schemas).filter((each) => each.endsWith('.json')).sort()) {
  const text = await compileFromFile(join(schemas, name), {
    cwd: schemas,
    additionalProperties: false,
    bannerComment: `// Made of schemas/${name} by .ci/generate-types.mjs: change that, and run it.`,
    style: { singleQuote: true, printWidth: 120 },
  });
  files.set(name.replace(/\.json$/, '.ts'), format(name, text));
}

const present = readdirSync(generated, { withFileTypes: true }).map(({ name }) => name);
const stale = [
  ...[...files].filter(([name, text]) => !present.includes(name) || readFileSync(join(generated, name), 'utf8') !== text),
  ...present.filter((name) => !files.has(name)).map((name) => [name]),
].map(([name]) => name);

if (process.argv.includes('--check')) {
  for (const name of stale) console.error(`lib/generated/${name} is not what schemas/ says: run node .ci/generate-types.mjs`);
  process.exit(stale.length > 0 ? 1 : 0);
}
mkdirSync(generated, { recursive: true });
for (const name of present) if (!files.has(name)) rmSync(join(generated, name));
for (const [name, text] of files) writeFileSync(join(generated, name), text);

/** As the rest of the project is. */
function format(name, text) {
  const { stdout, status, stderr } = spawnSync(
    process.execPath,
    [join(root, 'node_modules/@biomejs/biome/bin/biome'), 'format', `--stdin-file-path=lib/generated/${name.replace(/\.json$/, '.ts')}`],
    { cwd: root, input: text, encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`biome could not format ${name}: ${stderr}`);
  return stdout;
}
