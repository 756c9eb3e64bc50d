import { countTies, modelPays } from '../../../../src/storage/table/index-mode'

describe('the choice of an index mode', () => {
  it('takes a model where it has few segments for its blocks, and few blocks share a number', () => {
    expect(modelPays({ blocks: 2000, segments: 20, ties: 0 })).toBe(true)
    expect(modelPays({ blocks: 2000, segments: 100, ties: 0 })).toBe(false)
    expect(modelPays({ blocks: 20_000, segments: 1000, ties: 0 })).toBe(true)
    expect(modelPays({ blocks: 20_000, segments: 10_000, ties: 0 })).toBe(false)
    expect(modelPays({ blocks: 2000, segments: 20, ties: 1900 })).toBe(false)
    expect(modelPays({ blocks: 20, segments: 1, ties: 0 })).toBe(false)
  })

  it('counts the numbers that repeat the one before', () => {
    expect(countTies(Float64Array.of(1, 1, 1, 2, 3, 3))).toBe(3)
    expect(countTies(new Float64Array(0))).toBe(0)
  })
})
