/**
 * The reference for values, against a map replayed from scratch for every question.
 */
import { SeededRandom, testSeed } from '../../support/oracle/random'
import type { ModelWrite } from '../../support/oracle/version-model'
import { VersionModel, pointWrite } from '../../support/oracle/version-model'
import { intervalContains } from '../../support/oracle/intervals'

const KEYS = ['a', 'b', 'c', 'd']

function replay(commits: readonly (readonly ModelWrite[])[]): Map<string, string> {
  const values = new Map<string, string>()
  for (const { interval, value } of commits.flat()) {
    if (value === undefined) for (const key of KEYS.filter((one) => intervalContains(interval, one))) values.delete(key)
    else values.set(interval.start, value)
  }
  return values
}

describe('the version model', () => {
  const seed = testSeed(5)

  test(`answers as a replay up to the sequence does, own writes on top (seed ${seed})`, () => {
    const random = new SeededRandom(seed)
    const randomWrites = (tag: string): ModelWrite[] =>
      Array.from({ length: 1 + random.below(3) }, (_, i) =>
        random.chance(0.2)
          ? {
              interval: { start: random.pick(KEYS), end: random.chance(0.2) ? undefined : random.pick(KEYS) },
              value: undefined,
            }
          : pointWrite(random.pick(KEYS), random.chance(0.3) ? undefined : `${tag}.${i}`),
      )
    for (let run = 0; run < 500; run++) {
      const model = new VersionModel()
      const commits: ModelWrite[][] = []
      for (let sequence = 1; sequence <= 6; sequence++) {
        const writes = randomWrites(`v${sequence}`)
        commits.push(writes)
        model.commit(writes, sequence)
      }
      for (let sequence = 0; sequence <= 6; sequence++) {
        const own = randomWrites('own')
        const expected = replay([...commits.slice(0, sequence), own])
        expect(model.rowsAt({ start: '', end: undefined }, sequence, own)).toEqual(
          [...expected].sort(([a], [b]) => (a < b ? -1 : 1)),
        )
        const plain = replay(commits.slice(0, sequence))
        for (const key of KEYS) expect(model.valueAt(key, sequence)).toBe(plain.get(key))
      }
    }
  })
})
