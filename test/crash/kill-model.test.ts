/** The judge of the kill campaign sees each kind of loss: a check that cannot fail would prove nothing. */
import type { Acknowledgement, Rows } from './kill-model'
import { EMPTY_TALLY, judgeLife, tallyRows } from './kill-model'

const pairs = ['a', 'g', 'm', 'q', 'u', 'z'].map((letter): [string, string] => [`${letter}/pair/002`, '1'])

/** Eight commits: two of the counter, two own, one pair, three of the window. */
const whole: Rows = [
  ['counter', '2'],
  ['log/0000000001', '000 1 0 xx'],
  ['log/0000000002', '001 2 2 '],
  ['own/001/0000000001', '1 x'],
  ['own/001/0000000002', '2 x'],
  ...pairs,
  ['window/000/0000000001', '1 '],
  ['window/000/0000000002', '2 '],
  ['window/000/0000000003', '3 '],
]
const without = (key: string): Rows => whole.filter(([name]) => name !== key)
const withRow = (key: string, value: string): Rows => [...without(key), [key, value]]

describe('the rows of a prefix', () => {
  test('show how many commits of each kind each client has', () => {
    const tally = tallyRows(whole, 8)
    expect(tally.counter).toBe(2)
    expect(Object.fromEntries(tally.countByClientAndKind)).toEqual({
      '0 c': 1, '1 c': 1, '1 o': 2, '2 p': 1, '0 w': 3,
    }) // prettier-ignore
    expect(tallyRows([], 0)).toEqual({ ...EMPTY_TALLY, countByClientAndKind: new Map() })
  })

  test.each<[string, Rows, number, RegExp]>([
    ['a lost log entry', without('log/0000000001'), 8, /log\/0000000001 is missing/],
    ['a counter that lags behind', withRow('counter', '1'), 8, /log\/0000000002 is nobody's/],
    ['a gap in the keys of a client', without('own/001/0000000001'), 8, /own\/001 has 2 where 1 belongs/],
    ['a lost last key that another commit saw', without('own/001/0000000002'), 7, /saw an own\/ key that is gone/],
    ['a torn pair', withRow('q/pair/002', '2'), 8, /pair of 2|pair of 002 is torn/],
    ['half a pair', without('u/pair/002'), 8, /u\/pair\/002 is missing/],
    ['a window with a hole', without('window/000/0000000002'), 8, /window\/000 has 1,3/],
    ['a deleted key that is back', withRow('window/000/0000000008', '8 '), 8, /window\/000 has 1,2,3,8/],
    ['a commit too few', whole, 9, /show 8 commits, but the last sequence is 9/],
    ['a commit too many', whole, 7, /show 8 commits, but the last sequence is 7/],
    ['another key', [...whole, ['x', '']], 8, /the key x is nobody's/],
  ])('%s is no prefix', (_name, rows, sequence, message) => {
    expect(() => tallyRows(rows, sequence)).toThrow(message)
  })
})

describe('a life', () => {
  const after = tallyRows(whole, 8)
  const told: Acknowledgement[] = [
    { client: 1, kind: 'o', n: 1, sequence: 1 },
    { client: 0, kind: 'c', n: 1, sequence: 2 },
    { client: 1, kind: 'o', n: 2, sequence: 3 },
    { client: 0, kind: 'w', n: 1, sequence: 4 },
    { client: 0, kind: 'w', n: 2, sequence: 5 },
  ]
  const life = (acknowledged: Acknowledgement[]) => ({ before: EMPTY_TALLY, opened: 0, acknowledged })

  test('may leave one commit more of each client than was told', () => {
    expect(() => judgeLife(life(told), after, 64)).not.toThrow()
  })

  test.each<[string, Acknowledgement[], RegExp]>([
    ['what was acknowledged is gone', [...told, { client: 3, kind: 'o', n: 1, sequence: 6 }], /lost: 1 of client 3/],
    ['the last sequence is gone', [...told, { client: 3, kind: 'o', n: 1, sequence: 9 }], /lost: sequence 9 of 8/],
    ['the counter went back', [...told, { client: 3, kind: 'c', n: 3, sequence: 6 }], /lost: counter 3 of 2/],
    [
      'a sequence was given twice',
      [...told, { client: 2, kind: 'p', n: 1, sequence: 4 }],
      /sequence 4 was given twice/,
    ],
    ['two commits of a client are there that it was not told of', told.slice(0, 4), /client 0 has 2 commits/],
  ])('%s: refused', (_name, acknowledged, message) => {
    expect(() => judgeLife(life(acknowledged), after, 64)).toThrow(message)
  })

  test('may not be given a sequence of an earlier life, nor find another state than was left', () => {
    expect(() => judgeLife({ ...life(told), before: { ...EMPTY_TALLY, sequence: 1 }, opened: 1 }, after, 64)).toThrow(/given again/) // prettier-ignore
    expect(() => judgeLife({ ...life(told), opened: 3 }, after, 64)).toThrow(/found sequence 3, where 0/)
  })
})
