const { transform } = require('./jest.config.js');

/** What a stranger does, with real processes, files and clients. @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/spec/e2e'],
  testMatch: ['**/*.e2e.ts'],
  transform,
  maxWorkers: 1,
  testTimeout: 120_000,
};
