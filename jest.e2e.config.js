const { transform } = require('./jest.config.js');

/** What a stranger does, with real processes, files and clients. @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/spec/e2e'],
  testMatch: ['**/*.e2e.ts'],
  transform,
  // most of them wait for servers: each has its own
  maxWorkers: 2,
  testTimeout: 120_000,
};
