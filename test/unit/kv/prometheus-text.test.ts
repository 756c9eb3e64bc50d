/**
 * The text for Prometheus, taken apart by a parser of the exposition format that accepts nothing else.
 */
import { MEMORY_PARTS } from '../../../src/kv/database-stats'
import type { DatabaseStats } from '../../../src/kv/database-stats'
import { prometheusText } from '../../../src/kv/prometheus-text'
import { openLsmDatabase } from '../../support/harness/lsm-database'
import { createMemoryRuntime } from '../../support/memory-runtime/memory-runtime'

interface Family {
  readonly type: string
  readonly help: string
  /** By name with suffix and labels, as in `name_sum{a="b"}`. */
  readonly samples: ReadonlyMap<string, number>
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*"'
const SAMPLE = new RegExp(`^(${NAME})(\\{${LABEL}(?:,${LABEL})*\\})? (NaN|[+-]Inf|-?\\d+(?:\\.\\d+)?(?:e[+-]?\\d+)?)$`)
const SUFFIXES: Readonly<Record<string, readonly string[]>> = { summary: ['', '_sum', '_count'] }

/** Takes the text apart; throws where it is not what the format says. */
function parse(text: string): Map<string, Family> {
  const families = new Map<string, Family & { samples: Map<string, number> }>()
  if (!text.endsWith('\n')) throw new Error('the last line is not ended')
  let help: RegExpExecArray | null = null
  let current: { name: string; family: Family & { samples: Map<string, number> } } | undefined
  for (const line of text.slice(0, -1).split('\n')) {
    const type = new RegExp(`^# TYPE (${NAME}) (counter|gauge|summary|histogram|untyped)$`).exec(line)
    const sample = SAMPLE.exec(line)
    if (line.startsWith('# HELP ')) {
      help = new RegExp(`^# HELP (${NAME}) (\\S.*)$`).exec(line)
      if (help === null) throw new Error(`no help: ${line}`)
    } else if (type !== null) {
      const [, name, kind] = type
      if (help?.[1] !== name) throw new Error(`help and type are not of one metric: ${line}`)
      if (families.has(name!)) throw new Error(`a metric twice: ${line}`)
      const family = { type: kind!, help: help![2]!, samples: new Map<string, number>() }
      families.set(name!, family)
      current = { name: name!, family }
    } else if (sample !== null && current !== undefined) {
      const { name, family } = current
      const isOfFamily = (SUFFIXES[family.type] ?? ['']).some((suffix) => sample[1] === name + suffix)
      if (!isOfFamily) throw new Error(`a sample of another metric: ${line}`)
      const key = sample[1]! + (sample[2] ?? '')
      if (family.samples.has(key)) throw new Error(`a sample twice: ${line}`)
      family.samples.set(key, Number(sample[3]!.replace('Inf', 'Infinity')))
    } else throw new Error(`neither help, type nor sample: ${line}`)
  }
  return families
}

async function statsAfterWork(): Promise<DatabaseStats> {
  const db = await openLsmDatabase(createMemoryRuntime({ seed: 1 }), '/db', { limits: { reserveBytes: 0 } })
  for (let i = 0; i < 50; i++) await db.put(`key ${i}`, 'x'.repeat(200))
  await db.flush()
  await db.get('key 1')
  await db.get('absent')
  const stats = db.stats()
  await db.close()
  return stats
}

test('is well-formed: each metric has a help, a type and samples, once', async () => {
  const families = parse(prometheusText(await statsAfterWork()))
  expect(families.size).toBeGreaterThan(70)
  for (const [name, { samples }] of families) expect({ name, samples: samples.size > 0 }).toEqual({ name, samples: true }) // prettier-ignore
})

test('names begin with strictkv_, counters end with _total, and times and sizes are in base units, which their names end with', async () => {
  for (const [name, { type }] of parse(prometheusText(await statsAfterWork()))) {
    expect(name).toMatch(/^strictkv_[a-z_]+$/)
    expect(name.endsWith('_total')).toBe(type === 'counter')
    expect(name).not.toMatch(/_(ms|milliseconds|kb|mb)(_|$)/)
  }
})

test('says what stats say', async () => {
  const stats = await statsAfterWork()
  const families = parse(prometheusText(stats))
  const value = (family: string, sample = family): number | undefined => families.get(family)?.samples.get(sample)
  expect(value('strictkv_commits_total')).toBe(50)
  expect(value('strictkv_flushes_total')).toBe(1)
  expect(value('strictkv_log_written_bytes_total')).toBe(stats.storage.logBytesWritten)
  expect(value('strictkv_level_entries', 'strictkv_level_entries{level="0"}')).toBe(50)
  expect(families.get('strictkv_level_bytes')!.samples.size).toBe(stats.storage.levels.length)
  expect(families.get('strictkv_memory_bytes')!.samples.size).toBe(MEMORY_PARTS.length)
  for (const part of MEMORY_PARTS) {
    const label = `{part="${part}"}`
    expect(value('strictkv_memory_bytes', `strictkv_memory_bytes${label}`)).toBe(stats.memory.parts[part].bytes)
    expect(value('strictkv_memory_budget_bytes', `strictkv_memory_budget_bytes${label}`)).toBe(stats.memory.parts[part].budgetBytes) // prettier-ignore
  }
  expect(value('strictkv_poisoned')).toBe(0)
  expect(value('strictkv_stalls_total', 'strictkv_stalls_total{cause="merge_debt"}')).toBe(0)
})

test('times of the log are a summary in seconds', async () => {
  const stats = await statsAfterWork()
  const syncs = { count: 7, totalMs: 21, medianMs: 2, p99Ms: 9, longestMs: 10 }
  const storage = { ...stats.storage, log: { ...stats.storage.log, syncs }, poisoned: new Error('the disk') }
  const families = parse(prometheusText({ ...stats, storage }))
  expect([...families.get('strictkv_log_sync_seconds')!.samples]).toEqual([
    ['strictkv_log_sync_seconds{quantile="0.5"}', 0.002],
    ['strictkv_log_sync_seconds{quantile="0.99"}', 0.009],
    ['strictkv_log_sync_seconds{quantile="1"}', 0.01],
    ['strictkv_log_sync_seconds_sum', 0.021],
    ['strictkv_log_sync_seconds_count', 7],
  ])
  expect(families.get('strictkv_poisoned')!.samples.get('strictkv_poisoned')).toBe(1)
})

test('how far the oldest reader lies behind is said by kind; its label is not, because an application may have any number of them', async () => {
  const db = await openLsmDatabase(createMemoryRuntime({ seed: 1 }), '/db', { limits: { reserveBytes: 0 } })
  const behind = (): readonly (readonly [string, number])[] => [
    ...parse(prometheusText(db.stats())).get('strictkv_oldest_reader_commits_behind')!.samples,
  ]
  const name = 'strictkv_oldest_reader_commits_behind'
  const [transaction, snapshot] = [`${name}{kind="transaction"}`, `${name}{kind="snapshot"}`]
  expect(behind()).toEqual([[transaction, 0], [snapshot, 0]]) // prettier-ignore
  const tx = db.begin({ label: 'a "label"\n' })
  const report = await db.snapshot({ label: 'report' })
  await db.put('a', '1')
  expect(behind()).toEqual([[transaction, 1], [snapshot, 0]]) // prettier-ignore
  expect(prometheusText(db.stats())).not.toMatch(/a "label"|report"/)
  tx.rollback()
  await db.put('a', '2')
  expect(behind()).toEqual([[transaction, 0], [snapshot, 2]]) // prettier-ignore
  report.close()
  await db.close()
})

test('tables are counted by how their blocks are found', async () => {
  const stats = await statsAfterWork()
  const index = { ...stats.storage.index, tablesBinary: 1, tablesResident: 2, tablesLean: 3 }
  const families = parse(prometheusText({ ...stats, storage: { ...stats.storage, index } }))
  expect([...families.get('strictkv_index_tables')!.samples]).toEqual([
    ['strictkv_index_tables{mode="binary"}', 1],
    ['strictkv_index_tables{mode="resident"}', 2],
    ['strictkv_index_tables{mode="lean"}', 3],
  ])
})

test('the parser would notice: it refuses text that the format does not allow', () => {
  const good = '# HELP a_total A.\n# TYPE a_total counter\na_total{l="x"} 1\n'
  expect(parse(good).get('a_total')!.samples.get('a_total{l="x"}')).toBe(1)
  for (const bad of [
    good.slice(0, -1),
    good + good,
    good.replace('# HELP a_total A.\n', ''),
    good.replace(' 1\n', ' one\n'),
    good.replace('"x"', '"x"y"'),
    good.replace('a_total{', 'b_total{'),
    `${good}a_total{l="x"} 2\n`,
    `${good}\n`,
  ]) {
    expect(() => parse(bad)).toThrow()
  }
})
