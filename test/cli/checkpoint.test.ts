/** `strictkv checkpoint` on real directories: the copy, what it refuses, and that nothing was touched then. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { open } from '../../src/index'
import { createTestTerminal, hashOf, runCommand, useDirectories } from './test-terminal'
import { main } from '../../src/cli/main'

const createDirectory = useDirectories()

/** A database with a table and a commit that is in the log alone; and a place beside it. */
async function createDatabase(): Promise<{ directory: string; target: string }> {
  const root = createDirectory()
  const directory = path.join(root, 'data')
  const db = await open(directory, { logMode: 'inline', backgroundMode: 'inline' })
  await db.put('a', '1')
  await db.flush()
  await db.put('b', '2')
  await db.close()
  return { directory, target: path.join(root, 'copies', 'today') }
}

test('copies what tables and log hold, says what it took, and leaves the origin as it was', async () => {
  const { directory, target } = await createDatabase()
  const before = hashOf(directory)
  const { code, out, err } = await runCommand(['checkpoint', directory, target])
  expect([code, err]).toEqual([0, ''])
  expect(out).toMatch(/ has everything through commit 2\n1 table: \d+ bytes linked, 8\.0 KiB copied, in /)
  expect(hashOf(directory)).toBe(before)
  expect((await runCommand(['scan', target])).out).toBe((await runCommand(['scan', directory])).out)
  const json = await runCommand(['checkpoint', directory, `${target}-2`, '--json'])
  expect(JSON.parse(json.out)).toMatchObject({ target: `${target}-2`, sequence: 2, tables: 1, bytesCopied: 8192 })
})

test('refuses what is no empty place and no database, and a database in use, touching nothing', async () => {
  const { directory, target } = await createDatabase()
  mkdirSync(target, { recursive: true })
  writeFileSync(path.join(target, 'mine'), 'mine')
  const [origin, other] = [hashOf(directory), hashOf(target)]
  const cases: readonly (readonly [words: readonly string[], why: string])[] = [
    [[directory, target], 'it holds "mine"'],
    [[directory, path.join(target, 'mine')], 'is no directory'],
    [[directory, path.join(directory, 'within')], 'it is in the directory of the database'],
    [[path.join(directory, 'nowhere'), target], 'there is no such directory'],
    [[target, `${target}-2`], 'it holds no database'],
    [[directory], 'TARGET'],
  ]
  for (const [words, why] of cases) {
    const { code, out, err } = await runCommand(['checkpoint', ...words])
    expect({ words, code, out }).toEqual({ words, code: 2, out: '' })
    expect(err).toContain(why)
  }
  expect([hashOf(directory), hashOf(target)]).toEqual([origin, other])
  const db = await open(directory, { logMode: 'inline', backgroundMode: 'inline' })
  expect((await runCommand(['checkpoint', directory, `${target}-2`])).code).toBe(3)
  await db.close()
  expect(existsSync(`${target}-2`)).toBe(false)
})

test('is given up on Ctrl-C with nothing left', async () => {
  const { directory, target } = await createDatabase()
  const { terminal, interrupt } = createTestTerminal()
  const running = main(['checkpoint', directory, target], terminal)
  interrupt()
  expect(await running).toBe(130)
  expect(existsSync(target)).toBe(false)
  expect(readdirSync(path.dirname(directory))).not.toContain('copies')
})
