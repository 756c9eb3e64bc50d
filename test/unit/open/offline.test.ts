/** What works on a directory that is not open, on a real one: paths are checked, and nothing is written. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { InvalidArgumentError, IoError, formatVersions, open } from '../../../src/index'

const directory = mkdtempSync(path.join(tmpdir(), 'strictkv-offline-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

test('the formats of a database are told, open or not', async () => {
  const db = await open(directory)
  await db.put('a', '1')
  await db.flush()
  const isCurrent = async (): Promise<boolean> => {
    const { current, files } = await formatVersions(directory)
    expect(new Set(files.map(({ format }) => format))).toEqual(new Set(['log', 'table', 'manifest']))
    return files.every(({ format, version }) => version === current[format])
  }
  expect(await isCurrent()).toBe(true)
  await db.close()
  const before = readdirSync(directory)
  expect(await isCurrent()).toBe(true)
  expect(readdirSync(directory)).toEqual(before)
})

test.each(['', 'a\0b', 7])('%j is no path', async (given) => {
  await expect(formatVersions(given as string)).rejects.toThrow(InvalidArgumentError)
})

test('a directory that is not there is an error of the system', async () => {
  await expect(formatVersions(path.join(directory, 'none'))).rejects.toThrow(IoError)
})
