/**
 * Each rule of isolation by itself, on graphs small enough to see the answer.
 */
import * as rules from '../../../src/mvcc/rules'
import type { Closing, Step } from '../../../src/mvcc/search'
import type { TransactionNode } from '../../../src/mvcc/transaction-node'
import { committed, floorReader, link, rw, viewOf, ww } from './graph-parts'

describe('rule 2, read', () => {
  test('a reader whose overwriter reached a commit at its snapshot must abort', () => {
    const first = committed(1, 1, 4)
    const writer = committed(2, 1, 6)
    link(writer, first, rw('y'))
    const view = viewOf([first, writer])
    expect(rules.decideRead(new Map([[writer, rw('x')]]), 4, view).closing?.kind).toBe('real-time')
    expect(rules.decideRead(new Map([[writer, rw('x')]]), 3, view).closing).toBeUndefined()
  })

  test('reading something stale is no reason to abort by itself', () => {
    const writer = committed(2, 1, 6)
    expect(rules.decideRead(new Map([[writer, rw('x')]]), 5, viewOf([writer])).closing).toBeUndefined()
  })
})

describe('rule 3, write', () => {
  test('an update is lost if the newest version is above the snapshot, and only then', () => {
    expect(rules.isLostUpdate(6, 5)).toBe(true)
    expect(rules.isLostUpdate(5, 5)).toBe(false)
    expect(rules.isFirstCommitterLost(6, 5)).toBe(true)
    expect(rules.isFirstCommitterLost(5, 5)).toBe(false)
  })
})

describe('rule 4, commit', () => {
  const commitOf = (
    missed: readonly TransactionNode[],
    predecessors: readonly TransactionNode[],
    floor: number,
    nodes: readonly TransactionNode[],
  ): string | undefined =>
    rules.decideCommit(
      {
        missed: new Map(missed.map((node) => [node, rw('x')])),
        predecessors: new Map(predecessors.map((node) => [node, rw('y')])),
        floor,
      },
      viewOf(nodes),
    ).closing?.kind

  test('accepts where nothing read is stale, whoever read what is written', () => {
    const reader = committed(1, 0, 5)
    expect(commitOf([], [reader], 9, [reader])).toBeUndefined()
  })

  test('write skew: the one that was missed has read what is written', () => {
    const other = committed(1, 0, 1)
    expect(commitOf([other], [other], 0, [other])).toBe('edge')
  })

  test('accepts where the reader of what is written is not reached', () => {
    const overwriter = committed(1, 0, 5)
    const reader = committed(2, 0, 1)
    expect(commitOf([overwriter], [reader], 0, [overwriter, reader])).toBeUndefined()
  })

  test('the floor counts, not the snapshot: a read-only reader saw a commit and missed this one', () => {
    const overwriter = committed(1, 0, 1)
    expect(commitOf([overwriter], [], 0, [overwriter])).toBeUndefined()
    expect(commitOf([overwriter], [], 1, [overwriter])).toBe('real-time')
  })

  test('an active reader is doomed if what its overwriter reaches is at or below its snapshot', () => {
    expect(rules.isDoomed(4, 4)).toBe(true)
    expect(rules.isDoomed(4, 5)).toBe(false)
    expect(rules.isDoomed(4, Infinity)).toBe(false)
  })
})

describe('rule 5, end', () => {
  test('a transaction is forgotten once it is published and no snapshot is below it', () => {
    expect(rules.isForgettable(5, 5, 5)).toBe(true)
    expect(rules.isForgettable(5, 4, 9)).toBe(false)
    expect(rules.isForgettable(5, 9, 4)).toBe(false)
  })

  test('a reader leaves floors only while an older read-write transaction runs', () => {
    expect(rules.isFloorNeeded(5, 4)).toBe(true)
    expect(rules.isFloorNeeded(5, 5)).toBe(false)
    expect(rules.isFloorNeeded(5, Infinity)).toBe(false)
  })
})

describe('a safe snapshot', () => {
  test('is spoilt by a transaction that missed a commit at or below it', () => {
    const first = committed(1, 1, 4)
    const writer = committed(2, 1, 6)
    link(writer, first, rw('y'))
    expect(rules.leavesUnsafe(writer, 4)).toBe(true)
    expect(rules.leavesUnsafe(writer, 3)).toBe(false)
  })

  test('is spoilt by a low at or below it, and by nothing else', () => {
    const writer = committed(2, 1, 6)
    expect(rules.leavesUnsafe(writer, 9)).toBe(false)
    writer.low = 4
    expect(rules.leavesUnsafe(writer, 4)).toBe(true)
    expect(rules.leavesUnsafe(writer, 3)).toBe(false)
  })
})

describe('the dangerous structure', () => {
  test('needs Tout to be the first of the three to commit', () => {
    expect(rules.isDangerousStructure(9, 6, [4])).toBe(true)
    expect(rules.isDangerousStructure(9, 4, [6])).toBe(false)
    expect(rules.isDangerousStructure(3, 6, [4])).toBe(false)
  })

  test('Tin may still be active, and may be Tout', () => {
    expect(rules.isDangerousStructure(Infinity, 6, [4])).toBe(true)
    expect(rules.isDangerousStructure(4, 6, [4])).toBe(true)
  })

  test('any out-edge will do, none will not', () => {
    expect(rules.isDangerousStructure(9, 6, [8, 7, 5])).toBe(true)
    expect(rules.isDangerousStructure(9, 6, [8, 7])).toBe(false)
    expect(rules.isDangerousStructure(9, 6, [])).toBe(false)
  })
})

describe('a conservative abort', () => {
  const stepTo = (node: TransactionNode, from: Step | undefined, edge: Step['edge']): Step => ({ node, from, edge })
  const realTime = (last: Step): Closing => ({ kind: 'real-time', last, byLow: false })

  test('is one that met a summary, crossed a merged range or closed by one', () => {
    const [a, b] = [committed(1, 1, 4), committed(2, 1, 3)]
    const exact = stepTo(a, undefined, rw('x'))
    expect(rules.isConservative({ kind: 'summary', last: exact })).toBe(true)
    expect(rules.isConservative({ kind: 'edge', last: exact, edge: rw('y', true) })).toBe(true)
    expect(rules.isConservative(realTime(stepTo(a, undefined, rw('x', true))))).toBe(true)
    expect(rules.isConservative(realTime(stepTo(b, stepTo(a, undefined, rw('x', true)), rw('y'))))).toBe(true)
  })

  test('is not one whose every step is exact', () => {
    const [a, b] = [committed(1, 1, 4), committed(2, 4, 6)]
    const last = stepTo(b, stepTo(a, undefined, rw('x')), 'real-time')
    expect(rules.isConservative(realTime(last))).toBe(false)
    expect(rules.isConservative({ kind: 'edge', last, edge: ww('y') })).toBe(false)
  })

  test('is one that went in real time by a floor that stands for more keys than were read', () => {
    const [a, b] = [committed(1, 1, 4), committed(2, 3, 6)]
    b.floor = 5
    b.floorReader = floorReader(9, 5, 'y', true)
    const byFloor = realTime(stepTo(b, stepTo(a, undefined, rw('x')), 'real-time'))
    expect(rules.isConservative(byFloor)).toBe(true)
    b.floorReader = floorReader(9, 5, 'y')
    expect(rules.isConservative(byFloor)).toBe(false)
  })

  test('is not one that went in real time by the snapshot itself, whatever raised the floor besides', () => {
    const [a, b] = [committed(1, 1, 4), committed(2, 4, 6)]
    b.floor = 5
    b.floorReader = floorReader(9, 5, 'y', true)
    expect(rules.isConservative(realTime(stepTo(b, stepTo(a, undefined, rw('x')), 'real-time')))).toBe(false)
  })
})
