/** Ascending numbers of every kind that a model meets: those of the key sets, and those made to break it. */
import { createKeySet, KEY_SET_NAMES } from '../../../bench/support/key-sets'
import { NUMBER_END } from '../../../src/learned/fit-model'
import { numberOfKey } from '../../../src/storage/table/separators'
import { SeededRandom } from '../../support/oracle/random'

/** The numbers of `count` keys of a set, behind what all of them share. */
function numbersOfSet(name: (typeof KEY_SET_NAMES)[number], count: number): Float64Array {
  const set = createKeySet(name, count)
  const [first, last] = [set.keyAt(0), set.keyAt(count - 1)]
  let shared = 0
  while (shared < first.length && first[shared] === last[shared]) shared++
  return Float64Array.from({ length: count }, (_, rank) => numberOfKey(set.keyAt(rank), shared))
}

function sorted(numbers: Iterable<number>): Float64Array {
  return Float64Array.from(numbers).sort()
}

/** Numbers by name; `count` is about how many. */
export function numberSets(count: number): ReadonlyMap<string, Float64Array> {
  const random = new SeededRandom(7)
  const u48 = (): number => random.u32() * 2 ** 16 + random.below(2 ** 16)
  const sets = new Map<string, Float64Array>(KEY_SET_NAMES.map((name) => [name, numbersOfSet(name, count)]))
  sets.set('one number', Float64Array.of(5))
  sets.set('zero and the greatest', Float64Array.of(0, NUMBER_END - 1))
  sets.set('all equal', new Float64Array(count).fill(77))
  sets.set('all zero', new Float64Array(count))
  sets.set('all the greatest', new Float64Array(count).fill(NUMBER_END - 1))
  sets.set(
    'one by one',
    Float64Array.from({ length: count }, (_, i) => i),
  )
  sets.set(
    'one by one at the end',
    Float64Array.from({ length: count }, (_, i) => NUMBER_END - count + i),
  )
  sets.set('exponential gaps', sorted(Array.from({ length: 48 }, (_, i) => 2 ** i)))
  sets.set('exponential gaps, many', sorted(Array.from({ length: count }, (_, i) => Math.floor(2 ** ((47.9 * i) / count))))) // prettier-ignore
  sets.set('runs of every length', sorted(Array.from({ length: count }, (_, i) => Math.floor(Math.sqrt(i)) * 3)))
  sets.set('runs side by side', sorted(Array.from({ length: count }, (_, i) => Math.floor(i / 100))))
  sets.set(
    'a cluster, a void, a cluster',
    sorted(Array.from({ length: count }, (_, i) => (i % 2) * (NUMBER_END - 2 * count) + i)),
  )
  // Differences that doubles round: neighbours next to multiples of large powers of two.
  sets.set('neighbours of powers', sorted(Array.from({ length: count }, () => 2 ** random.below(48) + random.below(3)).map((number) => Math.min(number, NUMBER_END - 1)))) // prettier-ignore
  sets.set('products that doubles round', sorted(Array.from({ length: count }, () => u48() - (u48() % 3))).map((number) => Math.max(0, number))) // prettier-ignore
  sets.set('stairs', sorted(Array.from({ length: count }, (_, i) => Math.floor(i / 35) * 2 ** 30 + (i % 35))))
  return sets
}

/** What to ask of numbers: each of them, its neighbours, the ends, and anything. */
export function questionsFor(numbers: Float64Array, seed: number): number[] {
  const random = new SeededRandom(seed)
  const questions = [0, 1, NUMBER_END - 1, NUMBER_END - 2, Math.floor(NUMBER_END / 2)]
  const step = Math.max(1, Math.floor(numbers.length / 3000))
  for (let i = 0; i < numbers.length; i += step) {
    for (const offset of [-1, 0, 1, 2]) questions.push(numbers[i]! + offset)
    questions.push(Math.floor((numbers[i]! + numbers[Math.min(i + 1, numbers.length - 1)]!) / 2))
  }
  for (let i = 0; i < 500; i++) questions.push(random.u32() * 2 ** 16 + random.below(2 ** 16))
  return questions.filter((number) => number >= 0 && number < NUMBER_END)
}
