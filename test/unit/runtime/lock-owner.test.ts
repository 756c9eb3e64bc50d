/** Whom LOCK names, seen from here: this process, one that is gone, one of another host, nobody. */
import os from 'node:os'
import { readLockOwner } from '../../../src/runtime/node/lock-owner'
import { encodeLockHolder } from '../../../src/runtime/node/lock-strategy'

const start = Date.UTC(2026, 2, 1, 12)
const lock = (pid: number, host: string): string => encodeLockHolder({ pid, host, startMs: start, token: 't' })

test('this process is alive on this host', () => {
  expect(readLockOwner(lock(process.pid, os.hostname()))).toEqual({
    pid: process.pid,
    host: os.hostname(),
    since: '2026-03-01T12:00:00.000Z',
    isThisHost: true,
    isAlive: true,
  })
})

test('a number that no process has is not alive', () => {
  // Above the greatest number that Linux ever gives to a process.
  expect(readLockOwner(lock(2 ** 22 + 1, os.hostname()))).toMatchObject({ isThisHost: true, isAlive: false })
})

test('of another host nobody here can tell', () => {
  expect(readLockOwner(lock(process.pid, 'elsewhere'))).toMatchObject({ isThisHost: false, isAlive: undefined })
})

test('a text that names nobody names nobody', () => {
  for (const text of ['', 'x', '{}', '{"pid":1}']) expect(readLockOwner(text)).toBeUndefined()
})
