import { createLimits } from '../../../src/base/limits'
import type { CompactionPlan, Levels } from '../../../src/storage/compaction-picker'
import { levelBytesMax, pickCompaction, planFullCompaction } from '../../../src/storage/compaction-picker'
import { createRetention } from '../../../src/storage/compaction-retention'
import { LEVELS } from '../../../src/storage/manifest-state'
import type { TableProperties } from '../../../src/storage/table-format'

const MiB = 1024 * 1024
const limits = createLimits({ levelZeroTablesMax: 4, levelBytesBase: 10 * MiB, levelSizeRatio: 4 })
const retention = createRetention([], 1000)

let numbers = 0
function table(start: string, end: string | undefined, given: Partial<TableProperties> = {}): TableProperties {
  return {
    fileNumber: ++numbers, fileBytes: 2 * MiB, bounds: { start, end }, firstKey: start, lastKey: start, firstSequence: 1, lastSequence: 10, entries: 100, keys: 100,
    tombstones: 0, rangeTombstones: 0, keyBytes: 1, valueBytes: 1, dataBlocks: 1, ...given,
  } // prettier-ignore
}

function levels(...given: TableProperties[][]): Levels {
  return Array.from({ length: LEVELS }, (_, level) => {
    const tables = given[level] ?? []
    if (level === 0) return tables.map((one, i) => ({ run: tables.length - i, tables: [one] }))
    return tables.length === 0 ? [] : [{ run: 1, tables }]
  })
}

function numbersOf(plan: CompactionPlan | undefined): number[][] | undefined {
  return plan?.inputs.map(({ tables }) => tables.map(({ fileNumber }) => fileNumber))
}

describe('the compaction picker', () => {
  test('leaves tables in good order alone', () => {
    expect(pickCompaction(levels(), limits, retention)).toBeUndefined()
    expect(
      pickCompaction(levels([table('a', 'z'), table('a', 'z')], [table('a', 'm')]), limits, retention),
    ).toBeUndefined()
  })

  test('takes all of level 0 or none, with every table of level 1 between the least and the greatest key', () => {
    const upper = [table('m', 'n'), table('c', 'd'), table('c', 'e'), table('c', 'd')]
    const lower = [table('a', 'b'), table('b', 'c\0'), table('f', 'g'), table('m', 'z'), table('z', undefined)]
    const plan = pickCompaction(levels(upper, lower), limits, retention)!
    expect(plan.reason).toBe('levelZero')
    expect(plan.outputLevel).toBe(1)
    expect(plan.isMove).toBe(false)
    expect(numbersOf(plan)).toEqual([...upper.map((t) => [t.fileNumber]), lower.slice(1, 4).map((t) => t.fileNumber)])
  })

  test('moves what overlaps nothing', () => {
    const upper = [table('a', 'b'), table('c', 'd'), table('e', 'f'), table('g', 'h')]
    expect(pickCompaction(levels(upper, [table('i', 'k')]), limits, retention)?.isMove).toBe(true)
    expect(pickCompaction(levels(upper, [table('d', 'e')]), limits, retention)?.isMove).toBe(false)
    const full = Array.from({ length: 6 }, (_, i) => table(`k${i}`, `k${i}~`))
    const plan = pickCompaction(levels([], full, [table('a', 'b')]), limits, retention)!
    expect(plan.isMove).toBe(true)
    expect(plan.inputs[0]!.tables).toHaveLength(1)
  })

  test('relieves a run by the table that overlaps least below, and takes all that it overlaps', () => {
    const run = [table('a', 'c'), table('c', 'e'), table('e', 'g'), table('g', 'i'), table('i', 'k'), table('k', 'm')]
    const below = [table('a', 'b'), table('b', 'd'), table('d', 'f'), table('f', 'g'), table('g', 'h'), table('h', 'm')]
    const plan = pickCompaction(levels([], run, below), limits, retention)!
    // [i, k) and [k, m) overlap one table each; the older one goes first.
    expect(numbersOf(plan)).toEqual([[run[4]!.fileNumber], [below[5]!.fileNumber]])
  })

  test('relieves the fullest level first', () => {
    const zero = Array.from({ length: 5 }, () => table('a', 'z'))
    const one = Array.from({ length: 20 }, (_, i) => table(`k${i + 10}`, `k${i + 10}~`))
    expect(pickCompaction(levels(zero, one), limits, retention)?.inputs[0]!.level).toBe(1)
    expect(pickCompaction(levels(zero, one.slice(0, 6)), limits, retention)?.inputs[0]!.level).toBe(0)
  })

  test('lists as older every table below the output, so that no tombstone is dropped over one', () => {
    const upper = Array.from({ length: 4 }, () => table('a', 'm'))
    const deep = [table('b', 'c'), table('x', undefined)]
    const plan = pickCompaction(levels(upper, [table('a', 'b')], [table('c', 'd')], deep), limits, retention)!
    expect(plan.older).toHaveLength(3)
    expect(planFullCompaction(levels(upper, [], [], deep), limits)?.older).toEqual([])
  })

  test('rewrites a dead table where it lies, once no snapshot needs what is dead, and pushes tombstones towards the last level', () => {
    const dead = table('a', 'c', { entries: 100, keys: 30, lastSequence: 500 })
    expect(pickCompaction(levels([], [], [dead]), limits, createRetention([499], 1000))).toBeUndefined()
    const rewrite = pickCompaction(levels([], [], [dead]), limits, createRetention([500], 1000))!
    expect([rewrite.reason, rewrite.outputLevel, rewrite.isMove]).toEqual(['deadVersions', 2, false])
    const tombstones = table('a', 'c', { tombstones: 80, lastSequence: 500 })
    const push = pickCompaction(levels([], [tombstones], [], [table('b', 'd')]), limits, retention)!
    expect([push.reason, push.outputLevel, push.isMove]).toEqual(['tombstones', 2, false])
  })

  test('merges everything into one run of a level that holds it', () => {
    const plan = planFullCompaction(levels([table('a', 'b')], [table('a', 'z', { fileBytes: 11 * MiB })]), limits)!
    expect(plan.outputLevel).toBe(2)
    expect(levelBytesMax(2, limits)).toBe(40 * MiB)
    expect(planFullCompaction(levels([], [], [table('a', 'b'), table('b', 'c')]), limits)).toBeUndefined()
    expect(planFullCompaction(levels([], [], [table('a', 'b', { tombstones: 1 })]), limits)?.outputLevel).toBe(2)
    expect(planFullCompaction(levels([table('a', 'b')]), limits)?.outputLevel).toBe(1)
    expect(planFullCompaction(levels(), limits)).toBeUndefined()
  })

  test('comes to an end from any start, if each merge keeps what it takes', () => {
    let state = levels(Array.from({ length: 40 }, () => table('a', 'z', { fileBytes: 5 * MiB })))
    let merges = 0
    for (let plan = pickCompaction(state, limits, retention); plan; plan = pickCompaction(state, limits, retention)) {
      expect(++merges).toBeLessThan(1000)
      const taken = new Set(plan.inputs.flatMap(({ tables }) => tables))
      const bytes = [...taken].reduce((sum, t) => sum + t.fileBytes, 0)
      const outputs = Array.from({ length: Math.ceil(bytes / (8 * MiB)) }, (_, i) => {
        return table(`k${String(i).padStart(4, '0')}`, `k${String(i).padStart(4, '0')}~`, { fileBytes: 8 * MiB })
      })
      const added = plan.isMove ? [...taken] : outputs
      const { outputLevel } = plan
      const tables = state.map((runs) => runs.flatMap((run) => run.tables).filter((t) => !taken.has(t)))
      state = levels(...tables.map((own, level) => (level === outputLevel ? [...own, ...added] : own)))
    }
    expect(state[0]).toEqual([])
    expect(merges).toBeGreaterThan(1)
  })
})
