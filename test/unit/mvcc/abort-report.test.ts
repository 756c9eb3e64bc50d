/**
 * What an abort says: the cycle edge by edge, its pivot, its reason, and a sentence that a person can follow.
 */
import type { SerializationReport, TxRef } from '../../../src/base/serialization-report'
import {
  createLostUpdateError,
  createSerializationError,
  createTooOldError,
  describeReport,
} from '../../../src/mvcc/abort-report'
import type { AbortCause } from '../../../src/mvcc/abort-report'
import { decideCommit, decideRead } from '../../../src/mvcc/rules'
import type { Closing } from '../../../src/mvcc/search'
import type { Edge, TransactionNode } from '../../../src/mvcc/transaction-node'
import { active, committed, floorReader, link, rw, viewOf, ww } from './graph-parts'

function closingOf(
  missed: readonly (readonly [TransactionNode, Edge])[],
  nodes: readonly TransactionNode[],
  question: { readonly floor: number; readonly targets?: readonly (readonly [TransactionNode, Edge])[] },
): Closing {
  const predecessors = new Map(question.targets ?? [])
  const { closing } = decideCommit({ missed: new Map(missed), predecessors, floor: question.floor }, viewOf(nodes))
  if (closing === undefined) throw new Error('the graph of this test closes a cycle')
  return closing
}

function reportOf(cause: Partial<AbortCause> & Pick<AbortCause, 'victim' | 'closing'>): SerializationReport {
  return createSerializationError({ reader: false, floorReader: undefined, ...cause }).report
}

/** The edges as short texts: `1 rw x 2`. */
function edgesOf({ cycle }: SerializationReport): string[] {
  return cycle.map(({ from, to, kind, key, range, sequence }) => {
    const end = range?.end === undefined ? '' : Buffer.from(range.end).toString('latin1')
    const place =
      key === undefined
        ? range && `[${Buffer.from(range.start).toString('latin1')},${end})`
        : Buffer.from(key).toString('latin1')
    return [from.id, kind, place ?? sequence, to.id].filter((part) => part !== undefined).join(' ')
  })
}

function expectClosed({ cycle, victim }: SerializationReport): void {
  expect(cycle[0]?.from).toEqual(victim)
  expect(cycle.at(-1)?.to).toEqual(victim)
  for (let i = 1; i < cycle.length; i++) expect(cycle[i]?.from).toEqual(cycle[i - 1]?.to)
}

describe('the report of an abort', () => {
  test('write skew: two rw edges, the one that stays is Tout and the victim the pivot', () => {
    const victim = active(2, 0, 'late')
    const other = committed(1, 0, 1, 'early')
    const closing = closingOf([[other, rw('x')]], [other], { floor: 0, targets: [[other, rw('y')]] })
    const report = reportOf({ victim: victim.ref(), closing })
    expect(edgesOf(report)).toEqual(['2 rw x 1', '1 rw y 2'])
    expect(report).toMatchObject({ reason: 'cycle', conservative: false, pivot: { id: 2 } })
    expectClosed(report)
    expect(describeReport(report)).toBe(
      'Cannot commit transaction 2 (late): transaction 2 (late) read "x" as it was before transaction 1 (early) overwrote it; ' +
        'transaction 1 (early) read "y" as it was before transaction 2 (late) overwrote it; no serial order has all of them',
    )
  })

  test('a lost update found by the search is called one', () => {
    const victim = active(2, 0)
    const other = committed(1, 0, 1)
    const closing = closingOf([[other, rw('x')]], [other], { floor: 0, targets: [[other, ww('x')]] })
    const report = reportOf({ victim: victim.ref(), closing })
    expect(edgesOf(report)).toEqual(['2 rw x 1', '1 ww x 2'])
    expect(report.reason).toBe('lost-update')
    expectClosed(report)
  })

  test('a lost update found at the write', () => {
    const error = createLostUpdateError(active(2, 0).ref(), committed(1, 0, 1).ref(), 'x')
    expect(edgesOf(error.report)).toEqual(['2 rw x 1', '1 ww x 2'])
    expect(error.report).toMatchObject({ reason: 'lost-update', conservative: false, pivot: { id: 2 } })
    expect(error).toMatchObject({ code: 'SERIALIZATION', retryable: true })
    expect(error.message).toContain('transaction 1 wrote "x" before transaction 2 did')
    expectClosed(error.report)
  })

  test('a read-only victim: stale read, the writer between is the pivot, the edge back is real time with the commit', () => {
    const reader: TxRef = { id: 3, snapshot: 1 }
    const first = committed(1, 0, 1)
    const writer = committed(2, 0, 2)
    link(writer, first, rw('x'))
    const { closing } = decideRead(new Map([[writer, rw('y')]]), 1, viewOf([first, writer]))
    const report = reportOf({ victim: reader, closing: closing!, reader: true })
    expect(edgesOf(report)).toEqual(['3 rw y 2', '2 rw x 1', '1 real-time 1 3'])
    expect(report).toMatchObject({ reason: 'stale-read-only', conservative: false, pivot: { id: 2 } })
    expectClosed(report)
    expect(describeReport(report)).toContain('transaction 1 had committed when transaction 3 took its snapshot')
  })

  test('a lone read is named as one', () => {
    const report: SerializationReport = {
      victim: { id: 0, snapshot: 1 },
      reason: 'stale-read-only',
      conservative: false,
      cycle: [],
    }
    expect(describeReport(report)).toMatch(/^Cannot commit a lone read: /)
  })

  test('a floor that a reader raised for the victim shows as two edges', () => {
    const victim = active(4, 0)
    const first = committed(1, 0, 1)
    const closing = closingOf([[first, rw('x')]], [first], { floor: 1 })
    const report = reportOf({ victim: victim.ref(), closing, floorReader: floorReader(9, 1, 'z') })
    expect(edgesOf(report)).toEqual(['4 rw x 1', '1 real-time 1 9', '9 rw z 4'])
    expectClosed(report)
  })

  test('a floor that was not needed to close the cycle does not show', () => {
    const victim = active(4, 1)
    const first = committed(1, 0, 1)
    const writer = committed(2, 0, 3)
    link(writer, first, rw('w'))
    const closing = closingOf([[writer, rw('x')]], [first, writer], { floor: 2 })
    const report = reportOf({ victim: victim.ref(), closing, floorReader: floorReader(9, 2, 'z') })
    expectClosed(report)
    expect(edgesOf(report)).toEqual(['4 rw x 2', '2 rw w 1', '1 real-time 1 4'])
  })

  test('a floor on the way shows as two edges', () => {
    const victim = active(5, 2)
    const writer = committed(1, 2, 3)
    const first = committed(2, 0, 1)
    const raised = committed(3, 0, 4)
    raised.floor = 3
    raised.floorReader = floorReader(9, 3, 'z')
    link(raised, first, rw('y'))
    const closing = closingOf([[writer, rw('x')]], [writer, first, raised], { floor: 2 })
    const report = reportOf({ victim: victim.ref(), closing })
    expect(edgesOf(report)).toEqual(['5 rw x 1', '1 real-time 3 9', '9 rw z 3', '3 rw y 2', '2 real-time 1 5'])
    expectClosed(report)
  })

  test('what was forgotten shows by the reference that was kept of it', () => {
    const victim = active(5, 2)
    const writer = committed(1, 0, 3)
    writer.low = 1
    writer.lowRef = committed(7, 0, 1).ref()
    const closing = closingOf([[writer, rw('x')]], [writer], { floor: 2 })
    const report = reportOf({ victim: victim.ref(), closing })
    expect(edgesOf(report)).toEqual(['5 rw x 1', '1 rw 7', '7 real-time 1 5'])
    expect(describeReport(report)).toContain('transaction 1 read something as it was before transaction 7 overwrote it')
    expectClosed(report)
  })

  test('what was forgotten shows on the way too: real time leaves from it', () => {
    const victim = active(5, 1)
    const writer = committed(1, 0, 6)
    writer.low = 3
    writer.lowRef = committed(7, 0, 3).ref()
    const later = committed(2, 4, 8)
    const first = committed(3, 0, 1)
    link(later, first, rw('y'))
    const closing = closingOf([[writer, rw('x')]], [writer, later, first], { floor: 1 })
    const report = reportOf({ victim: victim.ref(), closing })
    expect(edgesOf(report)).toEqual(['5 rw x 1', '1 rw 7', '7 real-time 3 2', '2 rw y 3', '3 real-time 1 5'])
    expectClosed(report)
  })

  test('a summary says that a cycle cannot be ruled out', () => {
    const writer = committed(1, 0, 3)
    writer.state = 'summarized'
    const closing = closingOf([[writer, rw('x')]], [writer], { floor: 0 })
    const report = reportOf({ victim: active(5, 0).ref(), closing })
    expect(report).toMatchObject({ reason: 'summary', conservative: true })
    expect(describeReport(report)).toMatch(/registrationsMax.*cannot be ruled out/)
  })

  test('a merged range is named, shows its bounds, and is conservative', () => {
    const other = committed(1, 0, 1)
    const merged: Edge = { kind: 'rw', key: undefined, range: { start: 'a', end: 'f' }, merged: true }
    const closing = closingOf([[other, rw('x')]], [other], { floor: 0, targets: [[other, merged]] })
    const report = reportOf({ victim: active(2, 0).ref(), closing })
    expect(report).toMatchObject({ reason: 'merged-range', conservative: true })
    expect(edgesOf(report)).toEqual(['2 rw x 1', '1 rw [a,f) 2'])
    expect(describeReport(report)).toMatch(
      /read the range from "a" to "f" as it was.*no serial order is certain to have all/,
    )
  })

  test('a merged floor makes the abort conservative only where it closed the cycle', () => {
    const first = committed(1, 0, 1)
    const closing = closingOf([[first, rw('x')]], [first], { floor: 1 })
    const merged = floorReader(9, 1, 'z', true)
    expect(reportOf({ victim: active(4, 0).ref(), closing, floorReader: merged }).conservative).toBe(true)
    const skew = closingOf([[first, rw('x')]], [first], { floor: 0, targets: [[first, rw('y')]] })
    expect(reportOf({ victim: active(4, 0).ref(), closing: skew, floorReader: merged }).conservative).toBe(false)
  })

  test('a range without an upper bound reads as one', () => {
    const other = committed(1, 0, 1)
    const scan: Edge = { kind: 'rw', key: undefined, range: { start: 'a', end: undefined }, merged: false }
    const closing = closingOf([[other, scan]], [other], { floor: 0, targets: [[other, rw('y')]] })
    expect(describeReport(reportOf({ victim: active(2, 0).ref(), closing }))).toContain('from "a" to the last key')
  })

  test('too old says which limit', () => {
    const { report, message } = createTooOldError(active(4, 0, 'report').ref())
    expect(report).toEqual({
      victim: { id: 4, label: 'report', snapshot: 0 },
      reason: 'too-old',
      conservative: true,
      cycle: [],
    })
    expect(message).toMatch(/^Cannot go on with transaction 4 \(report\): .*retainedCommitsMax/)
  })

  test('keys are printed escaped and cut, and given whole as bytes', () => {
    const key = `\0"\n\xff${'long'.repeat(100)}`
    const { report, message } = createLostUpdateError(active(2, 0).ref(), committed(1, 0, 1).ref(), key)

    expect(message).not.toMatch(/[\0-\x1f\x7f-\xff]/)
    expect(message.length).toBeLessThan(600)
    expect(Buffer.from(report.cycle[0]!.key!).toString('latin1')).toBe(key)
  })
})
