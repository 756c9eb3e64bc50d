// The campaigns that take minutes, `npm run test:long`: everything named *.long.test.ts.
'use strict'

const everyday = require('./jest.config.cjs')

/** @type {import('jest').Config} */
module.exports = {
  ...everyday,
  testMatch: ['**/*.long.test.ts'],
  testPathIgnorePatterns: everyday.testPathIgnorePatterns.filter((pattern) => !pattern.includes('long')),
  testTimeout: 60 * 60_000,
}
