/** The place where a measurement runs: on a disk, empty, and gone afterwards whatever happens. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { diskBytes, withBenchDirectory } from '../../../bench/support/bench-directory'

let parent: string

beforeEach(() => {
  parent = mkdtempSync(path.resolve(__dirname, '../../../node_modules', '.bench-test-'))
})
afterEach(() => {
  rmSync(parent, { recursive: true, force: true })
})

test('the directory is empty, and removed with what was put into it', async () => {
  let place = ''
  const answer = await withBenchDirectory(parent, (directory) => {
    place = directory
    expect(readdirSync(directory)).toEqual([])
    writeFileSync(path.join(directory, 'file'), 'bytes')
    return Promise.resolve(7)
  })
  expect(answer).toBe(7)
  expect(path.dirname(place)).toBe(parent)
  expect(existsSync(place)).toBe(false)
})

test('it is removed when the measurement fails, and the failure comes out', async () => {
  await expect(withBenchDirectory(parent, () => Promise.reject(new Error('no disk')))).rejects.toThrow('no disk')
  expect(readdirSync(parent)).toEqual([])
})

test('what files take is counted below as well, and by name where asked', () => {
  mkdirSync(path.join(parent, 'below'))
  writeFileSync(path.join(parent, 'a.wal'), Buffer.alloc(8192, 1), { flush: true })
  writeFileSync(path.join(parent, 'below', 'b.table'), Buffer.alloc(65_536, 1), { flush: true })
  expect(diskBytes(parent, (name) => name.endsWith('.wal'))).toBe(8192)
  expect(diskBytes(parent)).toBe(8192 + 65_536)
})
