import * as fc from 'fast-check'
import { fitModel, NUMBER_END } from '../../../src/learned/fit-model'
import { lowerBound, PiecewiseModel } from '../../../src/learned/piecewise-model'
import { check } from '../storage/rows/version-model'
import { numberSets, questionsFor } from './number-sets'

const file = 'test/unit/learned/piecewise-model.test.ts'
const errors = [1, 8, 64]

/** The lower bound from end to end. */
function firstAtOrAbove(numbers: Float64Array, number: number): number {
  const at = numbers.findIndex((other) => other >= number)
  return at === -1 ? numbers.length : at
}

function expectRight(numbers: Float64Array, model: PiecewiseModel, questions: readonly number[]): void {
  for (const question of questions) {
    const found = model.seek(numbers, question)
    const expected = lowerBound(numbers, question, 0, numbers.length)
    if (found !== expected) expect({ question, found }).toEqual({ question, found: expected })
  }
}

const ascendingNumbers = fc.oneof(
  fc.array(fc.nat({ max: 200 }), { minLength: 1, maxLength: 300 }),
  fc.array(
    fc.maxSafeNat().map((n) => n % NUMBER_END),
    { minLength: 1, maxLength: 300 },
  ),
  fc.array(fc.tuple(fc.nat({ max: 47 }), fc.nat({ max: 3 })).map(([power, more]) => Math.min(2 ** power + more, NUMBER_END - 1)), { minLength: 1, maxLength: 300 }), // prettier-ignore
)

describe('a learned model', () => {
  const sets = numberSets(8_000)

  test.each([...sets.keys()])('answers every question about %s, in its window every time', (name) => {
    const numbers = sets.get(name)!
    for (const errorMax of errors) {
      const model = fitModel(numbers, errorMax)
      model.checkInvariants()
      expectRight(numbers, model, questionsFor(numbers, errorMax))
      expect(model.counters.fallbacks).toBe(0)
      expect(model.parts.segmentsByLevel.at(-1)).toBe(1)
    }
  })

  it('predicts within the error it gives, of whatever number', () => {
    for (const [name, numbers] of sets) {
      const model = fitModel(numbers, 8)
      for (const question of questionsFor(numbers, 3)) {
        const off = Math.abs(model.predict(question) - lowerBound(numbers, question, 0, numbers.length))
        if (off > model.error) expect({ name, question, off }).toEqual({ name, question, off: model.error })
      }
    }
  })

  it('finds what a search from end to end finds, in any numbers, present or absent, beyond both ends', async () => {
    await check(
      file,
      fc.property(
        ascendingNumbers,
        fc.integer({ min: 1, max: 16 }),
        fc.array(fc.maxSafeNat(), { maxLength: 20 }),
        (list, errorMax, others) => {
          // prettier-ignore
          const numbers = Float64Array.from(list).sort()
          const model = fitModel(numbers, errorMax)
          model.checkInvariants()
          const questions = [
            ...others.map((n) => n % NUMBER_END),
            ...list.flatMap((n) => [n, n + 1, Math.max(0, n - 1)]),
          ]
          for (const question of [0, NUMBER_END - 1, ...questions]) {
            expect(model.seek(numbers, question)).toBe(firstAtOrAbove(numbers, question))
          }
          expect(model.counters.fallbacks).toBe(0)
        },
      ),
      400,
    )
  })

  it('of 100,000 equal numbers, or with a run of so many in the middle, answers exactly', () => {
    const equal = new Float64Array(100_000).fill(123_456)
    const middle = Float64Array.from({ length: 120_000 }, (_, i) => (i < 10_000 ? i : i < 110_000 ? 50_000 : i))
    for (const numbers of [equal, middle]) {
      const model = fitModel(numbers, 8)
      expectRight(numbers, model, [0, 49_999, 50_000, 50_001, 123_455, 123_456, 123_457, 110_000, 119_999, 120_000])
      expect(model.counters.fallbacks).toBe(0)
    }
  })

  it('that lies in any of its parts costs time, never an answer', async () => {
    const numbers = Float64Array.from({ length: 5000 }, (_, i) => Math.floor(i ** 1.5) * 40 + (i % 7))
    numbers.sort()
    const { parts } = fitModel(numbers, 4)
    const questions = questionsFor(numbers, 1)
    const lies = fc.oneof(
      fc.constantFrom(NaN, Infinity, -Infinity, 0, -0, -1, 1e300, -1e300, 5e-324),
      fc.double(),
      fc.nat({ max: 10_000 }),
    )
    let fallbacks = 0
    await check(
      file,
      fc.property(fc.array(fc.tuple(fc.nat(), lies, fc.nat()), { minLength: 1, maxLength: 30 }), (changes) => {
        const doubles = parts.doubles.slice()
        const words = parts.words.slice()
        for (const [at, double, word] of changes) {
          doubles[at % doubles.length] = double
          words[at % words.length] = word
        }
        const last = changes[0]![1]
        const model = new PiecewiseModel({ ...parts, doubles, words, last })
        expectRight(numbers, model, questions)
        fallbacks += model.counters.fallbacks
      }),
    )
    expect(fallbacks).toBeGreaterThan(0)
  })

  it('of other numbers answers exactly all the same', () => {
    for (const [name, numbers] of sets) {
      const others = Float64Array.from(numbers, (number) => (number * 7) % NUMBER_END).sort()
      if (others.length !== numbers.length) throw new Error(name)
      expectRight(numbers, fitModel(others, 8), questionsFor(numbers, 2))
    }
  })

  it('refuses parts that do not fit together', () => {
    const { parts } = fitModel(Float64Array.of(1, 2, 3), 1)
    expect(() => new PiecewiseModel({ ...parts, segmentsByLevel: [2, 2] })).toThrow('ends in one segment')
    expect(() => new PiecewiseModel({ ...parts, segmentsByLevel: [2, 1] })).toThrow('doubles of its segments')
    expect(() => new PiecewiseModel({ ...parts, words: new Uint32Array(3) })).toThrow('words of its segments')
    expect(() => new PiecewiseModel({ ...parts, count: 0 })).toThrow('has numbers')
  })
})
