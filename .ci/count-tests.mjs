// Adds up the runners' own reports. A report that is missing is a failure; so is a skipped test, where we are root.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder] = process.argv.slice(2);
const reports = readdirSync(folder).map((name) => [name, JSON.parse(readFileSync(join(folder, name), 'utf8'))]);
const sum = (field) => reports.reduce((total, [, report]) => total + report[field], 0);
const passed = sum('numPassedTests');
// a file that could not be run has no failed test
const failed = sum('numFailedTests') + reports.reduce((total, [, report]) => total + report.numRuntimeErrorTestSuites, 0);
const skipped = sum('numPendingTests') + sum('numTodoTests');
for (const expected of ['specs.json', 'e2e.json'])
  if (!reports.some(([name]) => name === expected)) {
    console.log(`no report ${expected}`);
    process.exitCode = 1;
  }
// some specs are of what only root does
const maySkip = process.getuid() !== 0;
if (failed > 0 || passed === 0 || (skipped > 0 && !maySkip)) process.exitCode = 1;
console.log(`tests: ${passed} passed, ${failed} failed, ${skipped} skipped`);
