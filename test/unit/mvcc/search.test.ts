/**
 * The search finds a cycle exactly where stored edges, folded ones and real time close one.
 */
import type { TransactionNode } from '../../../src/mvcc/transaction-node'
import { search } from '../../../src/mvcc/search'
import type { Closing, Step } from '../../../src/mvcc/search'
import { committed, floorReader, link, rw, viewOf, ww } from './graph-parts'

function startAt(...nodes: TransactionNode[]): Map<TransactionNode, ReturnType<typeof rw>> {
  return new Map(nodes.map((node) => [node, rw('k')]))
}

/** The ids on the way to where the search closed, in order. */
function pathOf(closing: Closing | undefined): number[] {
  const ids: number[] = []
  for (let step: Step | undefined = closing?.last; step !== undefined; step = step.from) ids.unshift(step.node.id)
  return ids
}

describe('the search', () => {
  test('without overwriters visits nothing and closes nothing', () => {
    expect(search(new Map(), undefined, 100, viewOf([]))).toEqual({ closing: undefined, least: Infinity, visits: 0 })
  })

  test('an overwriter that missed nothing closes nothing, and its commit is the least seen', () => {
    const writer = committed(1, 3, 5)
    expect(search(startAt(writer), undefined, 4, viewOf([writer]))).toMatchObject({
      closing: undefined,
      least: 5,
      visits: 1,
    })
  })

  test('closes in real time when a stored edge leads to a commit at or below the bound', () => {
    const first = committed(1, 1, 2)
    const writer = committed(2, 1, 5)
    link(writer, first, rw('y'))
    const { closing, least } = search(startAt(writer), undefined, 2, viewOf([first, writer]))
    expect(closing?.kind).toBe('real-time')
    expect(pathOf(closing)).toEqual([2, 1])
    expect(least).toBe(2)
  })

  test('does not close when the least commit is one above the bound', () => {
    const first = committed(1, 1, 3)
    const writer = committed(2, 1, 5)
    link(writer, first, rw('y'))
    expect(search(startAt(writer), undefined, 2, viewOf([first, writer]))).toMatchObject({
      closing: undefined,
      least: 3,
    })
  })

  test('a folded edge counts as what it leads to', () => {
    const writer = committed(2, 1, 5)
    writer.low = 2
    const { closing } = search(startAt(writer), undefined, 2, viewOf([writer]))
    expect(closing).toMatchObject({ kind: 'real-time', byLow: true })
    expect(search(startAt(writer), undefined, 1, viewOf([writer]))).toMatchObject({ closing: undefined, least: 2 })
  })

  test('a low that is not below the commit changes nothing', () => {
    const writer = committed(2, 1, 5)
    writer.low = 9
    expect(search(startAt(writer), undefined, 5, viewOf([writer])).closing).toMatchObject({ byLow: false })
  })

  test('closes by an edge when it reaches a transaction that must come before the source', () => {
    const writer = committed(1, 1, 5)
    const target = committed(2, 1, 4)
    link(writer, target, rw('y'))
    const targets = new Map([[target, ww('z')]])
    const { closing } = search(startAt(writer), targets, 1, viewOf([writer, target]))
    expect(closing).toMatchObject({ kind: 'edge', edge: { kind: 'ww', key: 'z' } })
    expect(pathOf(closing)).toEqual([1, 2])
  })

  test('closes by an edge at a start that is itself a target: a lost update', () => {
    const writer = committed(1, 1, 5)
    const { closing } = search(startAt(writer), new Map([[writer, ww('k')]]), 1, viewOf([writer]))
    expect(closing?.kind).toBe('edge')
    expect(pathOf(closing)).toEqual([1])
  })

  describe('in real time', () => {
    test('goes on into a retained transaction that began at or after the least commit seen', () => {
      const writer = committed(1, 1, 5)
      const first = committed(2, 1, 3)
      const later = committed(3, 5, 8)
      link(later, first, rw('y'))
      const { closing } = search(startAt(writer), undefined, 3, viewOf([writer, first, later]))
      expect(closing?.kind).toBe('real-time')
      expect(pathOf(closing)).toEqual([1, 3, 2])
    })

    test('does not go into one that began a moment before', () => {
      const writer = committed(1, 1, 5)
      const first = committed(2, 1, 3)
      const earlier = committed(3, 4, 8)
      link(earlier, first, rw('y'))
      expect(search(startAt(writer), undefined, 3, viewOf([writer, first, earlier]))).toMatchObject({
        closing: undefined,
        visits: 1,
      })
    })

    test('goes by the floor that a read-only reader raised, not by the snapshot', () => {
      const writer = committed(1, 1, 5)
      const first = committed(2, 1, 3)
      const raised = committed(3, 4, 8)
      raised.floor = 5
      raised.floorReader = floorReader(9, 5, 'y')
      link(raised, first, rw('y'))
      expect(search(startAt(writer), undefined, 3, viewOf([writer, first, raised])).closing?.kind).toBe('real-time')
    })

    test('reaches a target although it has no out-edges', () => {
      const writer = committed(1, 1, 5)
      const reader = committed(2, 5, 6)
      const { closing } = search(startAt(writer), new Map([[reader, rw('z')]]), 1, viewOf([writer, reader]))
      expect(closing?.kind).toBe('edge')
      expect(pathOf(closing)).toEqual([1, 2])
    })

    test('starts from the least commit of all seen, and again when that has sunk', () => {
      const writer = committed(1, 6, 9)
      const lower = committed(2, 6, 7)
      const bridge = committed(3, 7, 8)
      const [bottom, second] = [committed(4, 3, 4), committed(5, 4, 10)]
      link(writer, lower, rw('a'))
      link(bridge, bottom, rw('b'))
      const first = committed(6, 1, 2)
      link(second, first, rw('c'))
      const view = viewOf([writer, lower, bridge, bottom, second, first])
      // 1 missed 2; 2 before 3 in real time; 3 missed 4; 4 before 5 in real time; 5 missed 6.
      const { closing } = search(startAt(writer), undefined, 2, view)
      expect(pathOf(closing)).toEqual([1, 2, 3, 4, 5, 6])
    })

    test('visits no node twice, also where edges run in a circle', () => {
      const [a, b] = [committed(1, 1, 5), committed(2, 1, 4)]
      link(a, b, rw('x'))
      link(b, a, ww('y'))
      expect(search(startAt(a), undefined, 0, viewOf([a, b]))).toMatchObject({ closing: undefined, visits: 2 })
    })
  })

  describe('with summaries', () => {
    test('closes conservatively when it meets a summarized transaction', () => {
      const writer = committed(1, 1, 5)
      writer.state = 'summarized'
      expect(search(startAt(writer), undefined, 1, viewOf([writer])).closing?.kind).toBe('summary')
    })

    test('closes conservatively when the least commit is at or below the greatest summarized floor', () => {
      const writer = committed(1, 1, 5)
      expect(search(startAt(writer), undefined, 1, viewOf([writer], 5)).closing?.kind).toBe('summary')
      expect(search(startAt(writer), undefined, 1, viewOf([writer], 4)).closing).toBeUndefined()
    })

    test('prefers a certain cycle, wherever it comes in the search', () => {
      const summarized = committed(1, 1, 5)
      summarized.state = 'summarized'
      const writer = committed(2, 1, 6)
      const first = committed(3, 1, 2)
      link(writer, first, rw('y'))
      for (const starts of [startAt(summarized, writer), startAt(writer, summarized)]) {
        expect(search(starts, undefined, 2, viewOf([writer, first], 2)).closing?.kind).toBe('real-time')
      }
      const target = committed(4, 1, 4)
      link(writer, target, rw('z'))
      const byEdge = search(
        startAt(summarized, writer),
        new Map([[target, ww('q')]]),
        0,
        viewOf([writer, first, target]),
      )
      expect(byEdge.closing?.kind).toBe('edge')
    })
  })

  test('refuses an overwriter that is not decided', () => {
    const undecided = committed(1, 1, Infinity)
    expect(() => search(startAt(undecided), undefined, 0, viewOf([]))).toThrow('decided')
  })
})
