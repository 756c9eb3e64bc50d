/**
 * The checker in bit masks gives the verdicts of checker.ts and of brute force, on random small histories.
 */
import { hasSerialOrder } from '../../support/oracle/brute-force'
import { isSerializable } from '../../support/oracle/checker'
import type { TransactionRecord } from '../../support/oracle/history'
import { createRecord } from '../../support/oracle/history'
import type { Interval } from '../../support/oracle/intervals'
import { pointInterval } from '../../support/oracle/intervals'
import { SeededRandom, testSeed } from '../../support/oracle/random'
import type { SmallNode } from '../../support/oracle/small-graph'
import {
  KEY_CELLS,
  RANGE_CELLS,
  SMALL_KEYS,
  SMALL_RANGE,
  closesSmallCycle,
  createSmallNode,
} from '../../support/oracle/small-graph'

const SETS: readonly { readonly cells: number; readonly interval: Interval }[] = [
  ...SMALL_KEYS.map((key, i) => ({ cells: KEY_CELLS[i]!, interval: pointInterval(key) })),
  { cells: RANGE_CELLS, interval: SMALL_RANGE },
]

describe('the small graph', () => {
  const seed = testSeed(7)

  test(`agrees with the checker and with brute force (seed ${seed})`, () => {
    const random = new SeededRandom(seed)
    const choose = () => Array.from({ length: random.below(3) }, () => random.pick(SETS))
    let refused = 0
    for (let run = 0; run < 10_000; run++) {
      const nodes: SmallNode[] = []
      const records: TransactionRecord[] = []
      let newest = 0
      for (let i = 0; i < 4; i++) {
        const node = createSmallNode(`T${i}`)
        const record = createRecord(i, node.name, 'read-write', random.below(newest + 1))
        const [reads, writes] = [choose(), choose()]
        node.snapshot = record.snapshot
        node.reads = reads.reduce((cells, set) => cells | set.cells, 0)
        node.writes = writes.reduce((cells, set) => cells | set.cells, 0)
        record.reads.push({ ranges: reads.map(({ interval }) => interval), snapshot: record.snapshot })
        record.writes = writes.map(({ interval }) => interval)
        const commit = node.writes === 0 ? 0 : newest + 1
        record.commit = commit === 0 ? undefined : commit
        nodes.push(node)
        const isRefused = closesSmallCycle(nodes, node, commit)
        expect(isSerializable([...records, record])).toBe(!isRefused)
        expect(hasSerialOrder([...records, record])).toBe(!isRefused)
        expect(node.commit).toBe(0)
        if (isRefused) {
          refused++
          continue
        }
        node.counted = true
        node.commit = commit
        newest = Math.max(newest, commit)
        records.push(record)
      }
    }
    expect(refused).toBeGreaterThan(1_000)
  })
})
