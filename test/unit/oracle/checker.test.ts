/**
 * The checker finds each known anomaly, passes what is harmless, and agrees with brute force on random tiny histories.
 */
import type { TransactionKind, TransactionRecord } from '../../support/oracle/history'
import { createRecord, describeRecord } from '../../support/oracle/history'
import { SerializationGraph, edgeKind, isSerializable } from '../../support/oracle/checker'
import { hasSerialOrder } from '../../support/oracle/brute-force'
import type { Interval } from '../../support/oracle/intervals'
import { pointInterval } from '../../support/oracle/intervals'
import { SeededRandom, replayCommand, testSeed } from '../../support/oracle/random'

interface Sketch {
  readonly at: number
  readonly commit?: number
  readonly reads?: readonly (string | Interval)[]
  readonly writes?: readonly (string | Interval)[]
  readonly kind?: TransactionKind
}

const interval = (what: string | Interval) => (typeof what === 'string' ? pointInterval(what) : what)

/** `{ at: 0, commit: 1, reads: ['x'], writes: ['y'] }` as a record. */
function sketch(name: string, { at, commit, reads = [], writes = [], kind = 'read-write' }: Sketch): TransactionRecord {
  const record = createRecord(0, name, kind, at)
  record.commit = commit
  record.writes = writes.map(interval)
  if (reads.length > 0) record.reads.push({ ranges: reads.map(interval), snapshot: at })
  return record
}

function verdicts(sketches: Readonly<Record<string, Sketch>>): readonly [graph: boolean, brute: boolean] {
  const records = Object.entries(sketches).map(([name, one]) => sketch(name, one))
  return [isSerializable(records), hasSerialOrder(records)]
}

/** What the last one of the history would do to the others, as a decision. */
function decides(sketches: Readonly<Record<string, Sketch>>): boolean {
  const records = Object.entries(sketches).map(([name, one]) => sketch(name, one))
  const last = records.pop()!
  const graph = new SerializationGraph()
  for (const record of records) graph.count(record)
  return graph.findCycle(last) === undefined
}

const anomalies: Record<string, Readonly<Record<string, Sketch>>> = {
  'write skew': {
    T1: { at: 0, commit: 1, reads: ['x', 'y'], writes: ['x'] },
    T2: { at: 0, commit: 2, reads: ['x', 'y'], writes: ['y'] },
  },
  'lost update': {
    T1: { at: 0, commit: 1, reads: ['x'], writes: ['x'] },
    T2: { at: 0, commit: 2, reads: ['x'], writes: ['x'] },
  },
  'a phantom in a range found empty, both ways': {
    T1: { at: 0, commit: 1, reads: [{ start: 'a', end: 'c' }], writes: ['b1'] },
    T2: { at: 0, commit: 2, reads: [{ start: 'a', end: 'c' }], writes: ['b2'] },
  },
  'the read-only anomaly': {
    T2: { at: 0, commit: 1, reads: ['y'], writes: ['y'] },
    T1: { at: 0, commit: 2, reads: ['x', 'y'], writes: ['x'] },
    R: { at: 1, reads: ['x', 'y'], kind: 'declared' },
  },
  'a stale read closed by real time alone': {
    U: { at: 0, commit: 1, writes: ['x'] },
    W: { at: 0, commit: 2, reads: ['x'], writes: ['y'] },
    R: { at: 1, reads: ['y'], kind: 'lone' },
  },
  'a delete of an absent key against its reader, which writes it': {
    D: { at: 0, commit: 1, writes: ['k'] },
    T: { at: 0, commit: 2, reads: ['k'], writes: ['k'] },
  },
  'blind writers, ordered by commit, against a reader between them': {
    T1: { at: 0, commit: 1, writes: ['x'], reads: ['z'] },
    T2: { at: 0, commit: 2, writes: ['x', 'y'] },
    T3: { at: 0, commit: 3, reads: ['y'], writes: ['z'] },
    T4: { at: 2, commit: 4, reads: ['z'], writes: ['q'] },
  },
  'schedule 10: a chain that passes through a later beginner': {
    U: { at: 0, commit: 1, writes: ['x'] },
    V: { at: 1, commit: 2, writes: ['y'] },
    T: { at: 0, commit: 3, reads: ['x'], writes: ['y'] },
  },
}
// The blind writers above: T1 -rw-> T3, T3 -rw-> T2, T1 -ww-> T2; T4 missed T3's z at snapshot 2, but T2 <= 2: T4 -> T3 -> T2 -> T4.

const harmless: Record<string, Readonly<Record<string, Sketch>>> = {
  'serial transactions': {
    T1: { at: 0, commit: 1, reads: ['x'], writes: ['x'] },
    T2: { at: 1, commit: 2, reads: ['x'], writes: ['x'] },
  },
  'a stale read that closes nothing': {
    T1: { at: 0, commit: 1, writes: ['x'] },
    T2: { at: 0, commit: 2, reads: ['x'], writes: ['y'] },
  },
  'a dangerous structure without a cycle': {
    Tout: { at: 0, commit: 1, writes: ['y'] },
    Pivot: { at: 0, commit: 2, reads: ['y'], writes: ['x'] },
    Tin: { at: 0, commit: 3, reads: ['x'], writes: ['z'] },
  },
  'concurrent blind writers': {
    T1: { at: 0, commit: 1, writes: ['x', 'y'] },
    T2: { at: 0, commit: 2, writes: ['y', 'x'] },
  },
  'disjoint ranges': {
    T1: { at: 0, commit: 1, reads: [{ start: 'a', end: 'b' }], writes: ['b'] },
    T2: { at: 0, commit: 2, reads: [{ start: 'b\0', end: 'c' }], writes: ['a'] },
  },
  'the read-only anomaly with the reader one commit earlier': {
    T2: { at: 0, commit: 1, reads: ['y'], writes: ['y'] },
    T1: { at: 0, commit: 2, reads: ['x', 'y'], writes: ['x'] },
    R: { at: 0, reads: ['x', 'y'], kind: 'declared' },
  },
  'write skew against a snapshot-isolation transaction, whose reads do not count': {
    S: { at: 0, commit: 1, reads: ['y'], writes: ['x'], kind: 'snapshot-isolation' },
    T: { at: 0, commit: 2, reads: ['x'], writes: ['y'] },
  },
}

describe('the checker on known histories', () => {
  test.each(Object.keys(anomalies))('%s is found', (name) => {
    expect(verdicts(anomalies[name]!)).toEqual([false, false])
    expect(decides(anomalies[name]!)).toBe(false)
  })

  test.each(Object.keys(harmless))('%s passes', (name) => {
    expect(verdicts(harmless[name]!)).toEqual([true, true])
    expect(decides(harmless[name]!)).toBe(true)
  })

  test('a found cycle is made of edges that the definition gives, and closes', () => {
    const graph = new SerializationGraph()
    const first = sketch('T1', anomalies['write skew']!.T1!)
    graph.count(first)
    const cycle = graph.findCycle(sketch('T2', anomalies['write skew']!.T2!))!
    expect(cycle.map(({ from, to, kind }) => `${from.name} ${kind} ${to.name}`)).toEqual(['T2 rw T1', 'T1 rw T2'])
    expect(edgeKind(cycle[1]!.from, cycle[1]!.to)).toBe('rw')
  })

  test('a read kept from before the snapshot moved counts against the new snapshot', () => {
    const graph = new SerializationGraph()
    graph.count(sketch('W', { at: 0, commit: 1, writes: ['x'] }))
    const moved = sketch('T', { at: 0, reads: ['x'] })
    moved.snapshot = 1
    expect(graph.findCycle(moved)).toBeDefined()
  })
})

const KINDS: readonly TransactionKind[] = [
  'read-write',
  'read-write',
  'read-write',
  'declared',
  'lone',
  'snapshot-isolation',
]

function randomSet(random: SeededRandom, countMax: number): Interval[] {
  return Array.from({ length: random.below(countMax + 1) }, () =>
    random.chance(0.25)
      ? { start: random.pick(['a', 'b']), end: random.pick(['b', 'c', 'd', undefined]) }
      : pointInterval(random.pick(['a', 'b', 'c'])),
  )
}

describe('the checker against brute force', () => {
  const seed = testSeed(3)

  test(`agrees on every decision of random tiny histories (seed ${seed})`, () => {
    const random = new SeededRandom(seed)
    let refused = 0
    let decisions = 0
    for (let run = 0; run < 12_000; run++) {
      const graph = new SerializationGraph()
      const counted: TransactionRecord[] = []
      let newest = 0
      for (let i = 0; i < 5; i++) {
        const kind = random.pick(KINDS)
        const record = createRecord(i, `T${i}`, kind, random.below(newest + 1))
        const ranges = randomSet(random, 3)
        if (ranges.length > 0) record.reads.push({ ranges, snapshot: record.snapshot })
        if (kind === 'read-write' || kind === 'snapshot-isolation') record.writes = randomSet(random, 2)
        if (record.writes.length > 0) record.commit = newest + 1
        const all = [...counted, record]
        const expected = hasSerialOrder(all)
        const decided = graph.findCycle(record) === undefined
        decisions++
        if (decided !== expected || isSerializable(all) !== expected) {
          const story = all.map(describeRecord).join('\n')
          throw new Error(
            `graph ${decided}, brute force ${expected}:\n${story}\n${replayCommand(seed, 'test/unit/oracle')}`,
          )
        }
        if (!expected) {
          refused++
          continue
        }
        graph.count(record)
        counted.push(record)
        newest = record.commit ?? newest
      }
    }
    // Both verdicts must have been put to the test often.
    expect(refused).toBeGreaterThan(3_000)
    expect(decisions - refused).toBeGreaterThan(20_000)
  })
})
