// Makes docs/configuration.md of schemas/config.json. `--check`: changes nothing, and fails when the page is not what it would be.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const page = join(root, 'docs', 'configuration.md');
const read = (name) => JSON.parse(readFileSync(join(root, 'schemas', name), 'utf8'));
const { properties, description } = read('config.json');
const { backend, rule } = read('backends.json').$defs;
const keys = ({ properties: all }) => Object.entries(all).map(([name, key]) => `| \`${name}\` | ${cell(key['x-expected'])} | ${cell(key.description)} |`).join('\n');

const code = (value) => `\`${Array.isArray(value) ? value.join(',') : value}\``;
const cell = (text) => text.replaceAll('|', '\\|');
const row = ([name, setting]) => {
  const byDefault = setting.default === undefined || setting.default.length === 0 ? 'not set' : code(setting.default);
  return `| \`${name}\` | ${byDefault} | ${cell(setting['x-expected'])} | ${cell(setting.description)} |`;
};

const text = `<!-- Made of schemas/config.json by .ci/generate-configuration-docs.mjs: change that, and run it. -->
# Configuration

${description} A value that cannot be used stops the start, and all of them are named at once; so does a variable
that belongs to what this version does not have (\`KEYSTONE_*\`, \`QUOTA_*\`, \`RESERVED_NAMES\`):
nobody is to believe that it holds. Other variables are nothing to the gateway.

A host that mounts the extension itself gives the same as options: [hosting.md](hosting.md).

| variable | default | what it takes | meaning |
| --- | --- | --- | --- |
${Object.entries(properties).map(row).join('\n')}

## The file that \`BACKENDS\` names
A JSON list with one object a backend; new filesystems go to the first. Or an object with such a list as \`backends\`, and \`rules\` which of them new filesystems go to ([filers.md](filers.md)). Beside what its driver takes ([drivers.md](drivers.md)) each has:

| key | what it takes | meaning |
| --- | --- | --- |
${keys(backend)}

\`\`\`json
[
  {
    "name": "filer1",
    "driver": "nfs",
    "server": "exports-file",
    "volumes": { "kind": "directory", "root": "/srv/volumes" },
    "exports": { "directory": "/etc/exports.d", "exportAddress": "10.20.0.5" }
  }
]
\`\`\`

A rule has:

| key | what it takes | meaning |
| --- | --- | --- |
${keys(rule)}

\`\`\`json
{
  "rules": [
    { "project": "6f1c0b5e7a5d4f0b9a3c1d2e3f405162", "backend": "filer3", "isolation": "file-system" },
    { "scope": "global", "backend": "filer1" },
    { "backend": ["filer1", "filer2"] }
  ],
  "backends": [{ "name": "filer1" }, { "name": "filer2" }, { "name": "filer3" }]
}
\`\`\`

## Who may do what, by \`IDENTITY\`
\`\`\`sh
# development: an administrator of the tenant in the URL, or whoever the headers say
curl http://127.0.0.1:8774/v1.1/demo/os-filesystem
curl http://127.0.0.1:8774/v1.1/demo/os-filesystem -H 'X-Roles: member' -H 'X-User-Id: alice'

# headers: what keystonemiddleware's auth_token in front of the gateway has confirmed
IDENTITY=headers TRUSTED_PROXIES=10.0.0.2 HOST=10.0.0.3 NETWORKS=10.20.0.0/16 npm start
\`\`\`
The role \`admin\` makes an administrator; \`member\`, \`manager\` and \`admin\` may create; every other role only reads.
`;

if (!process.argv.includes('--check')) writeFileSync(page, text);
else if (!existsSync(page) || readFileSync(page, 'utf8') !== text) {
  console.error('docs/configuration.md is not what schemas/ says: run node .ci/generate-configuration-docs.mjs');
  process.exit(1);
}
