/**
 * The black-box oracle finds each anomaly in values alone and agrees with the white-box checker on random histories.
 */
import { SerializationGraph } from '../../support/oracle/checker'
import { createRecord } from '../../support/oracle/history'
import { pointInterval } from '../../support/oracle/intervals'
import { SeededRandom, testSeed } from '../../support/oracle/random'
import type { ObservedTransaction } from '../../support/oracle/value-checker'
import { findValueAnomaly } from '../../support/oracle/value-checker'

type Lists = Record<string, readonly string[]>
const observed = (
  name: string,
  [begun, ended]: [number, number],
  reads: Lists,
  appends: Lists,
): ObservedTransaction => {
  return { name, begun, ended, reads: new Map(Object.entries(reads)), appends: new Map(Object.entries(appends)) }
}
const finals = (lists: Lists) => new Map(Object.entries(lists))

describe('the black-box oracle', () => {
  test('passes a serial history', () => {
    const history = [observed('A', [0, 1], { x: [] }, { x: ['a'] }), observed('B', [2, 3], { x: ['a'] }, { x: ['b'] })]
    expect(findValueAnomaly(history, finals({ x: ['a', 'b'] }))).toBeUndefined()
  })

  test.each<readonly [string, readonly ObservedTransaction[], Lists, RegExp]>([
    [
      'write skew',
      [observed('A', [0, 5], { x: [], y: [] }, { x: ['a'] }), observed('B', [0, 5], { x: [], y: [] }, { y: ['b'] })],
      { x: ['a'], y: ['b'] },
      /a cycle: .*(A -> B|B -> A)/,
    ],
    [
      'a lost update',
      [observed('A', [0, 5], { x: [] }, { x: ['a'] }), observed('B', [0, 5], { x: [] }, { x: ['b'] })],
      { x: ['a', 'b'] },
      /a cycle/,
    ],
    [
      'a stale read after an acknowledgement',
      [observed('A', [0, 1], {}, { x: ['a'] }), observed('R', [2, 3], { x: [] }, {})],
      { x: ['a'] },
      /a cycle: .*real time/,
    ],
    [
      'the read-only anomaly',
      [
        observed('T', [0, 9], { x: [], y: [] }, { x: ['t'] }),
        observed('U', [0, 2], { y: [] }, { y: ['u'] }),
        observed('R', [3, 4], { x: [], y: ['u'] }, {}),
      ],
      { x: ['t'], y: ['u'] },
      /a cycle/,
    ],
    [
      'an aborted write that is visible',
      [observed('R', [0, 1], { x: ['ghost'] }, {})],
      { x: ['ghost'] },
      /nobody who committed/,
    ],
    ['a lost commit', [observed('A', [0, 1], {}, { x: ['a'] })], { x: [] }, /acknowledged and is nowhere/],
    [
      'a torn order',
      [observed('A', [0, 5], {}, { x: ['a', 'b'] }), observed('R', [0, 5], { x: ['b'] }, {})],
      { x: ['a', 'b'] },
      /no beginning/,
    ],
  ])('finds %s', (_, history, lists, message) => {
    expect(findValueAnomaly(history, finals(lists))).toMatch(message)
  })

  const seed = testSeed(9)
  test(`agrees with the white-box checker on random histories (seed ${seed})`, () => {
    const random = new SeededRandom(seed)
    let anomalies = 0
    for (let run = 0; run < 4_000; run++) {
      const graph = new SerializationGraph()
      const lists: Record<string, string[]> = { x: [], y: [], z: [] }
      const lengthsAt: Record<string, number>[] = [{ x: 0, y: 0, z: 0 }]
      const endOf = [0]
      const history: ObservedTransaction[] = []
      let isSerializable = true
      for (let i = 1; i <= 4 && isSerializable; i++) {
        const record = createRecord(i, `T${i}`, 'read-write', random.below(i))
        const keys = ['x', 'y', 'z'].filter(() => random.chance(0.6))
        const written = ['x', 'y', 'z'].filter(() => random.chance(0.5))
        if (written.length === 0) written.push('x')
        record.reads.push({ ranges: keys.map(pointInterval), snapshot: record.snapshot })
        record.writes = written.map(pointInterval)
        isSerializable = graph.findCycle(record) === undefined
        record.commit = i
        if (isSerializable) graph.count(record)
        const reads = keys.map((key) => [key, lists[key]!.slice(0, lengthsAt[record.snapshot]![key])] as const)
        for (const key of written) lists[key]!.push(`${key}${i}`)
        lengthsAt.push({ x: lists.x!.length, y: lists.y!.length, z: lists.z!.length })
        // It begins just after what its snapshot holds was acknowledged, and is acknowledged in commit order.
        endOf.push(i * 10)
        const appends = Object.fromEntries(written.map((key) => [key, [`${key}${i}`]]))
        history.push(observed(`T${i}`, [endOf[record.snapshot]! + 1, i * 10], Object.fromEntries(reads), appends))
      }
      const anomaly = findValueAnomaly(history, new Map(Object.entries(lists)))
      expect(anomaly === undefined).toBe(isSerializable)
      if (!isSerializable) anomalies++
    }
    expect(anomalies).toBeGreaterThan(500)
  })
})
