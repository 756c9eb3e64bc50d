/** `strictkv stats` on real directories: what it shows, in each form, and that it changes nothing; and the lines of figures of every kind. */
import path from 'node:path'
import { statsLines } from '../../src/cli/stats-lines'
import { open, prometheusText } from '../../src/index'
import type { Database, DatabaseStats } from '../../src/index'
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
  expect(out).toMatch(/^1 table; amplification: read 1 \(runs that a lookup asks at most\), space \d\.\d\d\n/)
  expect(out).toMatch(/\nlevel +runs +tables +versions +tombstones +size +write +read +space\n/)
  // Nothing is known of what was written before it was opened.
  expect(out).toMatch(/\n0 +1 +1 +100 +0 +\d+\.\d KiB +- +1 +\d\.\d\d\n/)
  expect(out).toMatch(/\nindexes: 1 (binary|resident|lean)\n/)
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
  expect(out.match(/^[12] tables?; amplification/gm)).toHaveLength(2)
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

describe('the lines', () => {
  /** Stats of a database that `use` has worked with. */
  async function statsOf(use: (db: Database) => Promise<void>): Promise<DatabaseStats> {
    const db = await open(path.join(createDirectory(), 'data'), { logMode: 'inline', backgroundMode: 'inline' })
    await use(db)
    const stats = db.stats()
    await db.close()
    return stats
  }

  const write = async (db: Database, round: number): Promise<void> => {
    await db.transact((tx) => {
      for (let i = 0; i < 100; i++) tx.put(`key ${i}`, `${round}`.repeat(100))
    })
    await db.flush()
  }

  test('show what each level has its share in: bytes written, runs read, bytes of disk', async () => {
    const { storage, ...others } = await statsOf(async (db) => {
      await write(db, 1)
      await write(db, 2)
      await db.compact()
      await write(db, 3)
    })
    const [whole, , ...rows] = statsLines({ storage, ...others })
    const { writeAmplification, readAmplification, spaceAmplification } = storage
    expect(writeAmplification).toBeGreaterThan(1)
    expect(whole).toBe(`2 tables; amplification: write ${writeAmplification.toFixed(2)}, read ${readAmplification} (runs that a lookup asks at most), space ${spaceAmplification.toFixed(2)}`) // prettier-ignore
    const filled = storage.levels.flatMap((level, number) => (level.tables > 0 ? [{ ...level, number }] : []))
    expect(filled.length).toBe(2)
    filled.forEach((level, index) => {
      const shares = [level.writeAmplification.toFixed(2), String(level.readAmplification), level.spaceAmplification.toFixed(2)] // prettier-ignore
      const cells = rows[index]!.split(/ +/)
      expect([cells[0], cells[1], ...cells.slice(-3)]).toEqual([String(level.number), String(level.runs), ...shares])
    })
  })

  test('show a level that a merge has emptied as long as shares of what was written are its own: they add up', async () => {
    const stats = await statsOf(async (db) => {
      await write(db, 1)
      await db.compact()
    })
    expect(stats.storage.levels[0]).toMatchObject({ tables: 0, writeAmplification: 1 })
    const [whole, , ...rows] = statsLines(stats)
    const shares = rows.slice(0, rows.indexOf('')).map((row) => Number(row.split(/ +/).at(-3)))
    expect(shares.length).toBe(2)
    expect(shares[0]! + shares[1]!).toBeCloseTo(Number(/write (\d+\.\d\d)/.exec(whole!)![1]), 1)
  })

  test('show how reads found their rows: cache, filters, indexes', async () => {
    const stats = await statsOf(async (db) => {
      await write(db, 1)
      for (let i = 0; i < 3; i++) await db.get('key 7')
      await db.get('key 7 is absent')
    })
    const { blockCache, filter, index } = stats.storage
    expect([blockCache.hits > 0, filter.checks]).toEqual([true, 4])
    const lines = statsLines(stats)
    const lookups = blockCache.hits + blockCache.misses
    expect(lines).toContainEqual(expect.stringMatching(new RegExp(`^block cache: ${blockCache.hits} of ${lookups} lookups hit \\(\\d+\\.\\d %\\), ${blockCache.blocks} blocks?$`))) // prettier-ignore
    expect(lines).toContain('filters: 4 checks; of 1 key not there 0 passed (0.0 %)')
    const figures = { tablesBinary: 3, tablesResident: 0, tablesLean: 1200, modelHits: 5000, modelFallbacks: 1, pageReads: 7 } // prettier-ignore
    const led = { ...stats, storage: { ...stats.storage, index: { ...index, ...figures } } }
    expect(statsLines(led)).toContain(
      'indexes: 3 binary, 1,200 lean; models: 5,000 hits, 1 fallback; 7 index pages read',
    )
  })

  test('show debt and waits by their kind and cause, and failures', async () => {
    const stats = await statsOf(async (db) => db.put('a', '1').then(() => undefined))
    const storage: DatabaseStats['storage'] = {
      ...stats.storage,
      mergeDebtBytes: 3 * 1024 * 1024,
      stalls: {
        count: 6,
        totalMs: 1500,
        longestMs: 700,
        countByKind: { mergeDebt: 3, memtables: 2, levelZero: 1 },
        cause: '4 frozen memtables wait for their flush',
      },
      log: { ...stats.storage.log, reserveWaits: { count: 2, totalMs: 9, longestMs: 5 } },
      backgroundError: new Error('the disk is slow'),
      poisoned: new Error('the disk is gone'),
      tablesObsolete: 2,
      obsoleteBytes: 2048,
    }
    expect(statsLines({ ...stats, storage })).toEqual(
      expect.arrayContaining([
        'merging owed: 3.0 MiB',
        'stalls: 6 (3 for merging owed, 2 for flushes, 1 for a full level 0), 1.5 s together, the longest 700 ms',
        'commits wait now: 4 frozen memtables wait for their flush',
        'waits for room in the log: 2, 9.0 ms together, the longest 5.0 ms',
        'background work fails: the disk is slow',
        'poisoned: the disk is gone',
        'kept for readers: 2 tables already merged, 2.0 KiB',
      ]),
    )
  })

  test('name who reads at the oldest sequence, whatever the label is', async () => {
    const oldestLine = (stats: DatabaseStats): string | undefined => statsLines(stats).find((line) => line.startsWith('oldest')) // prettier-ignore
    const stats = await statsOf(async (db) => {
      await db.put('a', '1')
      const snapshot = await db.snapshot({ label: 'report\n\x1b[31m' })
      await db.put('a', '2')
      expect(oldestLine(db.stats())).toMatch(/^oldest reader: snapshot "report\\n\\x1b\[31m", at commit 1, 1 commit behind, open for \d[\d.]* (us|ms|s)$/) // prettier-ignore
      snapshot.close()
      const tx = db.begin()
      expect(oldestLine(db.stats())).toMatch(new RegExp(`^oldest reader: transaction ${tx.id} without a label, at commit 2, 0 commits behind, `)) // prettier-ignore
      tx.rollback()
      const long = db.begin({ label: 'x'.repeat(256) })
      expect(oldestLine(db.stats())).toMatch(/ "x{60}\.\.\." \(256 bytes\), at commit 2, /)
      long.rollback()
    })
    expect(oldestLine(stats)).toBeUndefined()
  })

  test('say nothing where there is nothing to tell', async () => {
    const stats = await statsOf(() => Promise.resolve())
    const lines = statsLines(stats)
    const memory = lines.indexOf('', 2)
    expect(lines.slice(0, memory)).toEqual([
      'no tables',
      '',
      'not in tables yet: 0 versions; published through commit 0',
    ])
  })
})
