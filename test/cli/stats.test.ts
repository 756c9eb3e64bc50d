/** `strictkv stats` on real directories: what it shows, in each form, and that it changes nothing. */
import path from 'node:path'
import { open, prometheusText } from '../../src/index'
import { hashOf, runCommand, useDirectories } from './test-terminal'

const createDirectory = useDirectories()

/** A database with 100 rows in a table and one that is in the log alone. */
async function createDatabase(): Promise<string> {
  const directory = path.join(createDirectory(), 'data')
  const db = await open(directory, { logMode: 'inline', backgroundMode: 'inline' })
  await db.transact((tx) => {
    for (let i = 0; i < 100; i++) tx.put(`key ${i}`, 'x'.repeat(100))
  })
  await db.flush()
  await db.put('last', '1')
  await db.close()
  return directory
}

test('shows levels, what is in no table, and memory beside its budget; nothing is changed', async () => {
  const directory = await createDatabase()
  const before = hashOf(directory)
  const { code, out, err } = await runCommand(['stats', directory])
  expect([code, err]).toEqual([0, ''])
  expect(out).toMatch(/^1 table: space amplification \d\.\d\d, at most 1 run a lookup\n/)
  expect(out).toMatch(/\n0 +1 +1 +100 +0 +\d+\.\d KiB +space \d\.\d\d\n/)
  expect(out).toContain('not in tables yet: 1 version; published through commit 2\n')
  expect(out).toMatch(/\nblock cache +0 bytes +128\.0 MiB\n/)
  expect(out).toMatch(/\ntogether +\S+ \S+ +\S+ [MG]iB\n$/)
  expect(hashOf(directory)).toBe(before)
})

test('--json is all of db.stats() as one document', async () => {
  const directory = await createDatabase()
  const { code, out } = await runCommand(['stats', directory, '--json'])
  expect(code).toBe(0)
  const document = JSON.parse(out) as Record<string, unknown>
  expect(document).toMatchObject({ storage: { tables: 1, memtableEntries: 1 }, memory: { parts: { conflicts: {} } } })
  const db = await open(directory, { readOnly: true })
  expect(Object.keys(document)).toEqual(Object.keys(db.stats()))
  await db.close()
})

test('--prometheus is what prometheusText gives', async () => {
  const directory = await createDatabase()
  const { code, out } = await runCommand(['stats', directory, '--prometheus'])
  expect(code).toBe(0)
  const db = await open(directory, { readOnly: true })
  expect(out).toBe(prometheusText(db.stats()))
  await db.close()
  expect(out).toContain('strictkv_level_entries{level="0"} 100\n')
})

test('--watch shows them again and again until Ctrl-C; somebody who has it open meanwhile is named, and waited for', async () => {
  const directory = await createDatabase()
  let [shown, held] = [0, false]
  const { code, out, err } = await runCommand(['stats', directory, '--watch', '1'], {
    onOut: (_text, interrupt) => {
      if (++shown === 2) interrupt()
      if (held) return
      held = true
      void open(directory, { logMode: 'inline' }).then((db) => setTimeout(() => void db.close(), 1500))
    },
  })
  expect(code).toBe(130)
  // Whoever had it open has made a second table of what was in the log.
  expect(out.match(/^[12] tables?: space/gm)).toHaveLength(2)
  expect(err).toContain('interrupted')
})

test('bad input is refused with a sentence, and changes nothing', async () => {
  const directory = await createDatabase()
  const before = hashOf(directory)
  const cases: readonly (readonly [words: readonly string[], why: string])[] = [
    [[], 'DIR is missing'],
    [[path.join(directory, 'nowhere')], 'there is no such directory'],
    [[path.dirname(directory)], 'it holds no database'],
    [[directory, '--watch', '0'], 'give a whole number from 1'],
    [[directory, '--watch', 'soon'], 'give a whole number from 1'],
    [[directory, '--prometheus', '--json'], 'leave out --json or --prometheus'],
    [[directory, '--prometheu'], 'did you mean --prometheus?'],
  ]
  for (const [words, why] of cases) {
    const { code, err } = await runCommand(['stats', ...words])
    expect({ words, code }).toEqual({ words, code: 2 })
    expect(err).toContain(why)
  }
  expect(hashOf(directory)).toBe(before)
  const db = await open(directory, { logMode: 'inline', backgroundMode: 'inline' })
  expect((await runCommand(['stats', directory])).code).toBe(3)
  await db.close()
})
