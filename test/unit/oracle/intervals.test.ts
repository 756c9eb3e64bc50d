/**
 * Intervals of the oracles, against membership tried key by key.
 */
import { SeededRandom, testSeed } from '../../support/oracle/random'
import type { Interval } from '../../support/oracle/intervals'
import {
  cellKeys,
  intervalContains,
  intervalsOverlap,
  isEmptyInterval,
  pointInterval,
  setsOverlap,
  subtractIntervals,
} from '../../support/oracle/intervals'

const LETTERS = ['', 'a', 'a\0', 'b', 'b\0', 'c', 'd']

function randomInterval(random: SeededRandom): Interval {
  if (random.chance(0.3)) return pointInterval(random.pick(['a', 'b', 'c']))
  return { start: random.pick(LETTERS), end: random.chance(0.1) ? undefined : random.pick(LETTERS) }
}

describe('intervals', () => {
  const seed = testSeed(11)

  test(`overlap and subtraction agree with membership cell by cell (seed ${seed})`, () => {
    const random = new SeededRandom(seed)
    for (let run = 0; run < 20_000; run++) {
      const [a, b, c] = [randomInterval(random), randomInterval(random), randomInterval(random)]
      const cells = cellKeys([a, b, c])
      expect(intervalsOverlap(a, b)).toBe(cells.some((key) => intervalContains(a, key) && intervalContains(b, key)))
      const rest = subtractIntervals(a, [b, c])
      for (const key of cells) {
        const expected = intervalContains(a, key) && !intervalContains(b, key) && !intervalContains(c, key)
        expect(rest.some((part) => intervalContains(part, key))).toBe(expected)
      }
    }
  })

  test('adjacent half-open intervals share nothing, a point lies in the interval that begins with it', () => {
    expect(intervalsOverlap({ start: 'a', end: 'b' }, { start: 'b', end: 'c' })).toBe(false)
    expect(intervalsOverlap(pointInterval('b'), { start: 'b', end: 'c' })).toBe(true)
    expect(intervalsOverlap(pointInterval('b'), pointInterval('b\0'))).toBe(false)
    expect(setsOverlap([pointInterval('a'), pointInterval('b')], [pointInterval('c')])).toBe(false)
    expect(isEmptyInterval({ start: 'b', end: 'b' })).toBe(true)
    expect(isEmptyInterval({ start: 'b', end: undefined })).toBe(false)
  })
})
