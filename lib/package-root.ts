import { readFileSync } from 'node:fs';
import * as path from 'node:path';

/** The folder of this package, with its `package.json` and `extension.json`: above `dist` where this is the compiled file. */
export function packageRoot(): string {
  const above = path.resolve(__dirname, '..');
  return path.basename(above) === 'dist' ? path.dirname(above) : above;
}

/** This program's version. */
export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(path.join(packageRoot(), 'package.json'), 'utf8'));
  return String(version);
}
