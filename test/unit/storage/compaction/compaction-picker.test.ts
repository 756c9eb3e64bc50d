import { createLimits } from '../../../../src/base/limits'
import type { CompactionPlan } from '../../../../src/storage/compaction/compaction-picker'
import {
  lastLevel,
  levelBytesMax,
  levelTableBytes,
  pickCompaction,
  planDescent,
} from '../../../../src/storage/compaction/compaction-picker'
import { createRetention } from '../../../../src/storage/compaction/compaction-retention'
import { LEVELS } from '../../../../src/storage/manifest/manifest-state'
import type { Levels } from '../../../../src/storage/table/runs'
import { clustersOf, inputsOf, packRuns, tablesOf } from '../../../../src/storage/table/runs'
import type { TableProperties } from '../../../../src/storage/table/table-format'

const MiB = 1024 * 1024
const limits = createLimits({ levelZeroTablesMax: 4, levelBytesBase: 100 * MiB, levelSizeRatio: 3 })
const retention = createRetention([], 1000)
const busy = { retention, atRest: false }
const atRest = { retention, atRest: true }

let numbers = 0
function table(start: string, end: string | undefined, given: Partial<TableProperties> = {}): TableProperties {
  return {
    fileNumber: ++numbers, fileBytes: 2 * MiB, bounds: { start, end }, firstKey: start, lastKey: start, firstSequence: 1, lastSequence: 10, entries: 100, keys: 100,
    tombstones: 0, rangeTombstones: 0, keyBytes: 1, valueBytes: 1, dataBlocks: 1, ...given,
  } // prettier-ignore
}

/** Levels of runs of tables, newest first. */
function levels(...given: TableProperties[][][]): Levels {
  return Array.from({ length: LEVELS }, (_, level) => {
    const runs = given[level] ?? []
    return runs.map((tables, i) => ({ run: runs.length - i, tables }))
  })
}

function numbersOf(plan: CompactionPlan | undefined): number[][] | undefined {
  return plan?.inputs.map(({ tables }) => tables.map(({ fileNumber }) => fileNumber))
}

function fileNumbers(...runs: TableProperties[][]): number[][] {
  return runs.map((tables) => tables.map(({ fileNumber }) => fileNumber))
}

describe('runs', () => {
  test('are as few as the order of overlapping tables allows, and sink when what they lay upon goes', () => {
    const tables = [
      { name: 'old', age: 1, bounds: { start: 'a', end: 'm' } },
      { name: 'beside', age: 5, bounds: { start: 'm', end: 'p' } },
      { name: 'above', age: 2, bounds: { start: 'c', end: 'd' } },
      { name: 'bridge', age: 7, bounds: { start: 'l', end: 'n' } },
      { name: 'top', age: 9, bounds: { start: 'm\0', end: undefined } },
    ]
    const pack = (given: typeof tables): string[][] => packRuns(given).map((run) => run.map(({ name }) => name))
    expect(pack(tables)).toEqual([['top'], ['above', 'bridge'], ['old', 'beside']])
    expect(pack(tables.slice(1, 4))).toEqual([['bridge'], ['above', 'beside']])
    expect(pack(tables.filter(({ name }) => name !== 'beside' && name !== 'old'))).toEqual([['top'], ['above', 'bridge']]) // prettier-ignore
    expect(pack([])).toEqual([])
  })

  test('of random tables never put a newer table below an older one that it overlaps', () => {
    let seed = 12345
    const random = (below: number): number => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) % below
    for (let round = 0; round < 200; round++) {
      const tables = Array.from({ length: 30 }, (_, age) => {
        const start = random(100)
        return { age, bounds: { start: String.fromCharCode(start), end: random(20) === 0 ? undefined : String.fromCharCode(start + 1 + random(20)) } } // prettier-ignore
      })
      const runs = packRuns(tables)
      expect(runs.flat()).toHaveLength(30)
      const overlap = (a: (typeof tables)[0], b: (typeof tables)[0]): boolean =>
        (b.bounds.end === undefined || a.bounds.start < b.bounds.end) && (a.bounds.end === undefined || b.bounds.start < a.bounds.end) // prettier-ignore
      for (const [i, run] of runs.entries()) {
        for (const [j, one] of run.entries()) {
          for (const other of run.slice(j + 1)) expect(overlap(one, other)).toBe(false)
          for (const newer of runs.slice(0, i).flat()) if (overlap(one, newer)) expect(newer.age).toBeGreaterThan(one.age) // prettier-ignore
        }
      }
    }
  })

  test('fall into clusters of what hangs together', () => {
    const newer = [table('a', 'c'), table('f', 'h'), table('m', 'o')]
    const older = [table('b', 'd'), table('e', 'g'), table('n', undefined)]
    const clusters = clustersOf(inputsOf(levels([newer, older]), 0))
    expect(clusters.map(({ inputs }) => inputs.map(({ tables }) => tables))).toEqual(
      [0, 1, 2].map((i) => [[newer[i]], [older[i]]]),
    )
    expect(clusters.map(({ hull }) => hull)).toEqual([{ start: 'a', end: 'd' }, { start: 'e', end: 'h' }, { start: 'm', end: undefined }]) // prettier-ignore
    expect(clustersOf(inputsOf(levels([[table('a', undefined)], newer]), 0))).toHaveLength(1)
  })
})

describe('the compaction picker', () => {
  test('leaves tables in good order alone', () => {
    expect(pickCompaction(levels(), limits, busy)).toBeUndefined()
    expect(pickCompaction(levels(), limits, atRest)).toBeUndefined()
    const runs = [[table('a', 'z')], [table('a', 'm')]]
    expect(pickCompaction(levels([[table('a', 'z')]], runs, [[table('a', 'z')]]), limits, busy)).toBeUndefined()
  })

  test('makes one run of level 1 of what level 0 has too much of, while a deeper level is the last', () => {
    const upper = [[table('m', 'n')], [table('c', 'n')], [table('c', 'e')], [table('c', 'd')]]
    const one = [[table('a', 'z')]]
    const plan = pickCompaction(levels(upper, one, [[table('a', 'f'), table('f', 'z')]]), limits, busy)!
    expect(plan.reason).toBe('runs')
    expect(numbersOf(plan)).toEqual(fileNumbers(...upper))
    expect([plan.outputLevel, plan.outputRun, plan.isMove]).toEqual([1, 2, false])
    // Cut where the tables begin that the outputs will meet.
    expect(plan.cutKeys).toEqual(['f'])
    // Everything that lies there already is older, and so is what lies below.
    expect(plan.older).toHaveLength(3)
  })

  test('merges a cluster into the last level with all that it overlaps there', () => {
    const upper = [[table('m', 'n')], [table('c', 'd')], [table('c', 'm\0')], [table('c', 'd')]]
    const last = [table('a', 'b'), table('b', 'c\0'), table('f', 'g'), table('m', 'z'), table('z', undefined)]
    const plan = pickCompaction(levels(upper, [last]), limits, busy)!
    expect(numbersOf(plan)).toEqual(fileNumbers(...upper, last.slice(1, 4)))
    expect([plan.outputLevel, plan.outputRun, plan.older]).toEqual([1, 2, []])
  })

  test('takes of a level with too many runs the deep cluster that rewrites least of the last level for its bytes', () => {
    const newest = [table('a', 'c'), table('e', 'g')]
    const middle = [table('b', 'c'), table('e', 'f'), table('h', 'k')]
    const oldest = [table('a', 'b'), table('f', 'g', { fileBytes: 8 * MiB }), table('i', 'j')]
    const last = [table('a', 'c', { fileBytes: 4 * MiB }), table('c', 'f'), table('f', 'h')]
    const plan = pickCompaction(levels([], [newest, middle, oldest], [last]), limits, busy)!
    expect(numbersOf(plan)).toEqual(fileNumbers([newest[1]!], [middle[1]!], [oldest[1]!], last.slice(1)))
    // [h, k) overlaps nothing, but has only two runs: it waits until it is worth it.
    expect(pickCompaction(levels([], [middle, oldest], [last]), limits, busy)).toBeUndefined()
  })

  test('relieves the level first that has the most runs for what it may have', () => {
    const zero = Array.from({ length: 5 }, () => [table('a', 'z')])
    const runs = (count: number): TableProperties[][] => Array.from({ length: count }, () => [table('b', 'c')])
    expect(pickCompaction(levels(zero, runs(4), [[table('x', 'y')]]), limits, busy)?.inputs[0]!.level).toBe(1)
    expect(pickCompaction(levels(zero, runs(3), [[table('x', 'y')]]), limits, busy)?.inputs[0]!.level).toBe(0)
    expect(pickCompaction(levels(zero.slice(1), runs(3), runs(4), [[table('x', 'y')]]), limits, busy)?.inputs[0]!.level).toBe(2) // prettier-ignore
  })

  test('moves what overlaps nothing, all of it in one edit', () => {
    const sequential = [table('a', 'b'), table('c', 'd'), table('e', 'f'), table('g', 'h')]
    const plan = pickCompaction(levels([sequential], [[table('i', 'k')]]), limits, busy)!
    expect([plan.isMove, plan.outputLevel]).toEqual([true, 1])
    expect(numbersOf(plan)).toEqual(fileNumbers(sequential))
    const withOverlap = pickCompaction(levels([sequential], [[table('d', 'e'), table('e\0', 'z')]]), limits, busy)!
    expect(numbersOf(withOverlap)).toEqual(fileNumbers(sequential.slice(0, 2)))
    expect(withOverlap.isMove).toBe(true)
  })

  test('cuts a large table by a rewrite instead of moving it over what lies below, and never moves dead weight', () => {
    const zero = (given: Partial<TableProperties>): TableProperties[][] => [
      [table('a', 'b', given), ...['c', 'e', 'g'].map((key) => table(key, `${key}~`, given))],
    ]
    const below = [[[table('x', 'y')]], [[table('a', 'z')]]]
    expect(pickCompaction(levels(zero({}), ...below), limits, busy)?.isMove).toBe(true)
    expect(pickCompaction(levels(zero({ fileBytes: 20 * MiB }), ...below), limits, busy)?.isMove).toBe(false)
    expect(pickCompaction(levels(zero({ fileBytes: 20 * MiB }), [], [[table('x', 'z')]]), limits, busy)?.isMove).toBe(true) // prettier-ignore
    expect(pickCompaction(levels(zero({ tombstones: 60 }), ...below), limits, busy)?.isMove).toBe(false)
  })

  test('makes one table of small ones that lie side by side, with a neighbour that is not much larger', () => {
    const KiB = 1024
    const small = ['c', 'd', 'e', 'x'].map((key) => [table(key, `${key}~`, { fileBytes: 10 * KiB })])
    const last = [table('a', 'b'), table('b', 'b~', { fileBytes: 90 * KiB }), table('f', 'g'), table('y', 'z')]
    const plan = pickCompaction(levels(small, [last]), limits, busy)!
    expect(plan.isMove).toBe(false)
    // 90 KiB is at most three times 30 KiB; 2 MiB is too much for what it brings.
    expect(numbersOf(plan)).toEqual(fileNumbers(...small.slice(0, 3), [last[1]!]))
    const apart = [table('c', 'd', { fileBytes: 10 * KiB }), table('h', 'i', { fileBytes: 10 * KiB }), table('j', 'k'), table('l', 'm')] // prettier-ignore
    const moves = pickCompaction(levels([apart], [[table('a', 'b'), table('e', 'f'), table('x', 'y')]]), limits, busy)!
    expect([moves.isMove, numbersOf(moves)]).toEqual([true, fileNumbers(apart)])
  })

  test('moves the last level down as it is once it has outgrown its level', () => {
    expect([levelBytesMax(1, limits), levelBytesMax(2, limits)]).toEqual([100 * MiB, 300 * MiB])
    const last = [table('a', 'c', { fileBytes: 60 * MiB }), table('c', 'e', { fileBytes: 41 * MiB })]
    const plan = pickCompaction(levels([[table('a', 'z')]], [last]), limits, busy)!
    expect([plan.reason, plan.isMove, plan.outputLevel, plan.outputRun]).toEqual(['levelBytes', true, 2, 1])
    expect(numbersOf(plan)).toEqual(fileNumbers(last))
    expect(planDescent(levels([], [], [last]), limits)).toBeUndefined()
    expect(planDescent(levels([], [], [], [], [], [], [[table('a', 'z', { fileBytes: 2 ** 45 })]]), limits)).toBeUndefined() // prettier-ignore
  })

  test('takes the level below for the last where several runs have nothing below them any more', () => {
    expect(lastLevel(levels())).toBe(1)
    expect(lastLevel(levels([[table('a', 'b')]]))).toBe(1)
    expect(lastLevel(levels([], [], [[table('a', 'b')]]))).toBe(2)
    const orphaned = levels([], [[table('a', 'c')], [table('b', 'd')], [table('a', 'd')]])
    expect(lastLevel(orphaned)).toBe(2)
    const plan = pickCompaction(orphaned, limits, busy)!
    expect([plan.outputLevel, plan.inputs.length, plan.older]).toEqual([2, 3, []])
  })

  test('gives tables a size that grows with the level, up to tableBytesMax, and outputs equal parts of it', () => {
    expect([1, 2, 3, 6].map((level) => levelTableBytes(level, limits) / MiB)).toEqual([2, 6, 18, 64])
    const upper = ['a', 'b', 'c', 'd'].map((end) => [table('a', `${end}~`, { fileBytes: 3.1 * MiB })])
    const { tableBytesMax } = pickCompaction(levels(upper), limits, busy)!
    expect(tableBytesMax).toBeGreaterThan((12.4 / 6) * MiB)
    expect(tableBytesMax).toBeLessThan((12.4 / 5.5) * MiB)
  })

  test('rewrites a dead table of the last level where it lies, once no snapshot needs what is dead', () => {
    const dead = table('a', 'c', { entries: 100, keys: 30, lastSequence: 500, fileBytes: 4 * MiB })
    const state = levels([], [], [[dead, table('c', 'd')]])
    expect(pickCompaction(state, limits, { ...busy, retention: createRetention([499], 1000) })).toBeUndefined()
    const plan = pickCompaction(state, limits, { ...busy, retention: createRetention([500], 1000) })!
    expect([plan.reason, plan.outputLevel, plan.isMove, plan.older]).toEqual(['deadVersions', 2, false, []])
    expect(numbersOf(plan)).toEqual([[dead.fileNumber]])
  })

  test('pushes tables of tombstones towards the last level, with the cluster they are in', () => {
    const dense = table('a', 'c', { tombstones: 80, lastSequence: 500 })
    const older = table('b', 'd')
    const plan = pickCompaction(levels([], [[dense], [older]], [], [[table('b', 'd')]]), limits, busy)!
    expect([plan.reason, plan.outputLevel, plan.isMove]).toEqual(['tombstones', 2, false])
    expect(numbersOf(plan)).toEqual(fileNumbers([dense], [older]))
    // What lies below the output can still hold what the tombstones hide.
    expect(plan.older).toEqual([{ start: 'b', end: 'd' }])
  })

  test('at rest merges what lies above the last level down, unless it is next to nothing', () => {
    const last = [table('a', 'c', { fileBytes: 50 * MiB }), table('c', 'e', { fileBytes: 40 * MiB })]
    const small = levels([[table('a', 'e')]], [], [last])
    expect(pickCompaction(small, limits, atRest)).toBeUndefined()
    const large = levels([[table('a', 'e', { fileBytes: 6 * MiB })]], [], [last])
    expect(pickCompaction(large, limits, busy)).toBeUndefined()
    const plan = pickCompaction(large, limits, atRest)!
    expect([plan.reason, plan.outputLevel, plan.isMove, plan.cutKeys]).toEqual(['rest', 1, false, ['c']])
    const next = pickCompaction(levels([], [tablesOf(plan.inputs) as TableProperties[]], [last]), limits, atRest)!
    expect([next.outputLevel, next.inputs.length]).toEqual([2, 2])
  })
})
