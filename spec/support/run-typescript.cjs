// Lets a process that a spec starts run the sources: `node -r spec/support/run-typescript.cjs program.ts`.
const { transformFileSync } = require('@swc/core');

const OPTIONS = {
  jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
  module: { type: 'commonjs', ignoreDynamic: true }, // as tsc does: an extension's module may be an ES module
};

require.extensions['.ts'] = (module, file) => module._compile(transformFileSync(file, OPTIONS).code, file);
