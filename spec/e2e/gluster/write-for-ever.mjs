// Writes to a file that it keeps open, and lists its folder, until it is ended: node write-for-ever.mjs FILE
// A line an operation: when it was begun, and `ok` or why not.
import { constants, fsyncSync, openSync, readdirSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

const [, , name] = process.argv;
const file = openSync(name, 'w');
// the folder that it has opened: when its mount has gone, there is another one in its place
const folder = openSync(dirname(name), constants.O_RDONLY | constants.O_DIRECTORY);
const operations = [
  (count) => {
    writeSync(file, `${count}\n`.padStart(1000), 0);
    fsyncSync(file);
  },
  () => readdirSync(`/proc/self/fd/${folder}`),
];

let count = 0;
setInterval(() => {
  for (const operation of operations) {
    const begun = performance.timeOrigin + performance.now();
    let outcome = 'ok';
    try {
      operation(count++);
    } catch (error) {
      outcome = error.code;
    }
    process.stdout.write(`${begun} ${outcome}\n`);
  }
}, 5);
