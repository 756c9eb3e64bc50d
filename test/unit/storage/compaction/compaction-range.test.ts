import { createLimits } from '../../../../src/base/limits'
import type { CompactionPlan } from '../../../../src/storage/compaction/compaction-picker'
import { planRange, planRewriteOf, tablesToRewrite } from '../../../../src/storage/compaction/compaction-range'
import { LEVELS } from '../../../../src/storage/manifest/manifest-state'
import type { Levels } from '../../../../src/storage/table/runs'
import type { TableProperties } from '../../../../src/storage/table/table-format'

const limits = createLimits({})

let numbers = 0
function table(start: string, end: string | undefined, given: Partial<TableProperties> = {}): TableProperties {
  return {
    fileNumber: ++numbers, fileBytes: 1000, bounds: { start, end }, firstKey: start, lastKey: start, firstSequence: 1, lastSequence: 10, entries: 100, keys: 100,
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

function plan(state: Levels, start: string, end: string | undefined, through = 1000): CompactionPlan | undefined {
  return planRange(state, { range: { start, end }, through }, limits)
}

function numbersOf(of: CompactionPlan | undefined): number[][] | undefined {
  return of?.inputs.map(({ tables }) => tables.map(({ fileNumber }) => fileNumber))
}

function fileNumbers(...runs: TableProperties[][]): number[][] {
  return runs.map((tables) => tables.map(({ fileNumber }) => fileNumber))
}

describe('the compaction of a range', () => {
  test('is nothing where the range is in the last level, or nowhere', () => {
    expect(plan(levels(), '', undefined)).toBeUndefined()
    expect(plan(levels([], [[table('a', 'z')]]), '', undefined)).toBeUndefined()
    expect(plan(levels([[table('a', 'c')]], [[table('a', 'z')]]), 'c', undefined)).toBeUndefined()
  })

  test('takes level 0 first, into level 1 where there are levels between', () => {
    const zero = [[table('a', 'c')], [table('x', 'z')], [table('b', 'y')], [table('p', 'q')], [table('a\0', 'b')]]
    const deep = [[table('a', 'z')]]
    const between = plan(levels(zero, [], deep), 'a', 'b')!
    // [b, y) and [p, q) are older than [a, c) and overlap it, or what overlaps it; [x, z) is newer than what it overlaps.
    expect(numbersOf(between)).toEqual(fileNumbers(zero[0]!, zero[2]!, zero[3]!, zero[4]!))
    expect([between.outputLevel, between.reason, between.isMove]).toEqual([1, 'manual', false])
    expect(between.older).toEqual([deep[0]![0]!.bounds])
    const straight = plan(levels(zero, deep), 'a', 'b')!
    expect(numbersOf(straight)).toEqual(fileNumbers(zero[0]!, zero[2]!, zero[3]!, zero[4]!, deep[0]!))
    expect([straight.outputLevel, straight.older]).toEqual([1, []])
  })

  test('merges a cluster over all levels above the last with what it overlaps there, and leaves other tables alone', () => {
    const one = [
      [table('a', 'c'), table('m', 'n')],
      [table('b', 'd'), table('n', 'p')],
    ]
    const two = [[table('a', 'b'), table('c\0', 'e'), table('g', 'i')]]
    const last = [[table('a', 'c'), table('c', 'd\0'), table('d~', 'f'), table('f', undefined)]]
    const first = plan(levels([], one, two, last), 'b~', 'h')!
    expect(numbersOf(first)).toEqual(
      fileNumbers([one[0]![0]!], [one[1]![0]!], two[0]!.slice(0, 2), last[0]!.slice(0, 3)),
    )
    expect([first.outputLevel, first.older, first.cutKeys]).toEqual([3, [], []])
    const second = plan(levels([], [], [[two[0]![2]!]], last), 'b~', 'h')!
    expect(numbersOf(second)).toEqual(fileNumbers([two[0]![2]!], [last[0]![3]!]))
  })

  test('does not wait for what is written later', () => {
    const later = table('a', 'z', { firstSequence: 21, lastSequence: 30 })
    expect(plan(levels([[later]], [[table('a', 'z')]]), '', undefined, 20)).toBeUndefined()
    const before = table('b', 'c', { firstSequence: 5, lastSequence: 20 })
    expect(numbersOf(plan(levels([[later], [before]], [[]]), '', undefined, 20))).toEqual(fileNumbers([before]))
  })

  test('ends with each table of the last level in the range that has something dead, once', () => {
    const tables = [
      table('a', 'b', { tombstones: 1 }), table('b', 'c'), table('c', 'd', { keys: 99 }), table('d', 'e', { rangeTombstones: 1 }), table('e', 'f', { tombstones: 1 }),
    ] // prettier-ignore
    const state = levels([], [tables])
    const wanted = tablesToRewrite(state, { start: 'a', end: 'e' })
    expect(wanted).toEqual([tables[0]!, tables[2]!, tables[3]!].map(({ fileNumber }) => fileNumber))
    const rewrite = planRewriteOf(state, tables[2]!.fileNumber, limits)!
    expect(numbersOf(rewrite)).toEqual(fileNumbers([tables[2]!]))
    expect([rewrite.outputLevel, rewrite.isMove, rewrite.older]).toEqual([1, false, []])
    expect(planRewriteOf(state, 0, limits)).toBeUndefined()
  })
})
