// Jest runs the TypeScript sources through swc; types are checked by `npm run types`, a step of its own.
// p-queue and its dependencies are published as ES modules only, so they alone of node_modules are transformed.
'use strict'

/** @type {import('jest').Config} */
module.exports = {
  rootDir: __dirname,
  roots: ['<rootDir>/test'],
  testEnvironment: 'node',
  // Campaigns that take minutes are named *.long.test.ts and run by `npm run test:long` only.
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/test/package/projects/', '\\.long\\.test\\.ts$'],
  transform: {
    '^.+\\.[cm]?[jt]s$': [
      '@swc/jest',
      {
        swcrc: false,
        sourceMaps: 'inline',
        module: { type: 'commonjs' },
        jsc: { target: 'es2022', parser: { syntax: 'typescript' }, keepClassNames: true },
      },
    ],
  },
  transformIgnorePatterns: ['/node_modules/(?!(p-queue|p-timeout|eventemitter3)/)'],
  // Generous, for hangs only: tests make no assertion on time, and the machine may be shared and slow.
  testTimeout: 300_000,
  maxWorkers: 2,
}
