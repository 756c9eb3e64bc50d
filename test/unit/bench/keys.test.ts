/** Keys and the order in which they are asked for: sizes, bijections, and the shape of the distributions. */
import { KEY_BYTES, createRandom, drawOrdinals, keyOf, scatter, shuffledOrdinals } from '../../../bench/support/keys'

test('keys have their size and ascend as their ordinals do', () => {
  const keys = [0, 9, 10, 999_999, 12_345_678].map(keyOf)
  expect(keys.map((key) => key.length)).toEqual(keys.map(() => KEY_BYTES))
  expect([...keys].sort()).toEqual(keys)
})

test('the same seed gives the same numbers, another one others, all in [0, 1)', () => {
  const draw = (seed: number): number[] => {
    const random = createRandom(seed)
    return Array.from({ length: 1_000 }, random)
  }
  expect(draw(1)).toEqual(draw(1))
  expect(draw(1)).not.toEqual(draw(2))
  expect(draw(3).every((number) => number >= 0 && number < 1)).toBe(true)
})

test('shuffling keeps every ordinal once and moves them', () => {
  const ordinals = shuffledOrdinals(1_000, createRandom(1))
  expect([...ordinals].sort((a, b) => a - b)).toEqual(Array.from({ length: 1_000 }, (_, index) => index))
  expect(ordinals.filter((ordinal, index) => ordinal === index).length).toBeLessThan(50)
})

test.each([1, 2, 1_000, 99_991])('scattering %d ranks reaches every ordinal once', (count) => {
  const reached = new Set(Array.from({ length: count }, (_, rank) => scatter(rank, count)))
  expect(reached.size).toBe(count)
  expect(Math.max(...reached)).toBe(count - 1)
})

const range = { count: 1_000, picks: 100_000 }

function requestsByOrdinal(ordinals: Uint32Array): number[] {
  const requests = new Array<number>(range.count).fill(0)
  for (const ordinal of ordinals) requests[ordinal] = requests[ordinal]! + 1
  return requests.sort((a, b) => b - a)
}

test('uniform requests reach every key about equally often', () => {
  const requests = requestsByOrdinal(drawOrdinals('uniform', range, createRandom(1)))
  expect(requests[0]).toBeLessThan(160)
  expect(requests.at(-1)).toBeGreaterThan(50)
})

test('zipfian requests fall as theory says: rank 1 gets 1/zeta of them, the second about half as many', () => {
  const requests = requestsByOrdinal(drawOrdinals('zipfian', range, createRandom(1)))
  let zeta = 0
  for (let rank = 1; rank <= range.count; rank++) zeta += rank ** -0.99
  const expected = range.picks / zeta
  expect(requests[0]! / expected).toBeCloseTo(1, 1)
  expect(requests[0]! / requests[1]!).toBeCloseTo(2 ** 0.99, 0)
})
