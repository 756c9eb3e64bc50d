/** The pure decisions of the lock: how to take it where, and what is said about its holder. */
import {
  decodeLockHolder,
  describeLockHolder,
  encodeLockHolder,
  flockAnswer,
  lockStrategies,
} from '../../../src/runtime/node/lock-strategy'

const holder = { pid: 42, host: 'there', startMs: 1_700_000_000_000, token: 'abc' }

test('Linux locks by the flock command, then by a socket', () => {
  for (const platform of ['linux', 'android']) {
    expect(lockStrategies(platform).map(({ way }) => way)).toEqual(['flock-command', 'abstract-socket'])
  }
})

test('the BSD family opens with O_EXLOCK or O_SHLOCK, never waiting', () => {
  for (const platform of ['darwin', 'freebsd', 'openbsd']) {
    expect(lockStrategies(platform)).toEqual([{ way: 'open-flag', exclusiveFlag: 0x24, sharedFlag: 0x14 }])
  }
})

test('Windows opens with the flag of libuv', () => {
  expect(lockStrategies('win32')).toEqual([{ way: 'open-flag', exclusiveFlag: 0x1000_0000, sharedFlag: 0 }])
})

test('any other system has the flock command or nothing', () => {
  expect(lockStrategies('sunos').map(({ way }) => way)).toEqual(['flock-command'])
})

test('flock: success is a lock, a silent 1 is somebody else, all the rest is a failure', () => {
  expect(flockAnswer(0, '')).toBe('locked')
  expect(flockAnswer(1, '')).toBe('held-by-another')
  expect(flockAnswer(1, '\n')).toBe('held-by-another')
  expect(flockAnswer(1, 'flock: invalid option')).toBe('failed')
  expect(flockAnswer(65, '')).toBe('failed')
  expect(flockAnswer(null, '')).toBe('failed')
})

test('a holder is read back as written', () => {
  expect(decodeLockHolder(encodeLockHolder(holder))).toEqual(holder)
})

test('what is no holder is nobody, whatever stands in LOCK', () => {
  const texts = [
    '', ' ', '{', 'null', '[]', '7', '"x"', '{}', '\u0000\u0000',
    JSON.stringify({ ...holder, pid: '42' }),
    JSON.stringify({ ...holder, pid: 1.5 }),
    JSON.stringify({ ...holder, host: 7 }),
    JSON.stringify({ ...holder, startMs: 'now' }),
    JSON.stringify({ ...holder, startMs: 1e300 }),
    JSON.stringify({ ...holder, token: undefined }),
    encodeLockHolder(holder).slice(0, -5),
  ] // prettier-ignore
  for (const text of texts) expect(decodeLockHolder(text)).toBeUndefined()
})

test('the description names the holder, marks this process, and does not blame the dead', () => {
  const here = { pid: 7, host: 'here', isAlive: (pid: number) => pid !== 8 }
  expect(describeLockHolder(holder, here)).toBe('process (pid 42, host "there", since 2023-11-14T22:13:20.000Z)')
  expect(describeLockHolder({ ...holder, host: 'here', pid: 7 }, here)).toMatch(/^this process \(pid 7, /)
  expect(describeLockHolder({ ...holder, pid: 7 }, here)).toMatch(/^process \(pid 7, host "there"/)
  expect(describeLockHolder({ ...holder, pid: 8 }, here)).toMatch(/^process \(pid 8, host "there"/)
  for (const unknown of [undefined, { ...holder, host: 'here', pid: 8 }]) {
    expect(describeLockHolder(unknown, here)).toMatch(/^another opener, which left no name/)
  }
})
