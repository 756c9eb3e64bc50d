import fc from 'fast-check'
import type { PositionedSource } from '../../../../src/storage/rows/source-heap'
import { SourceHeap } from '../../../../src/storage/rows/source-heap'

class At implements PositionedSource<At> {
  constructor(readonly position: number) {}

  isBefore(other: At): boolean {
    return this.position < other.position
  }
}

const STEPS = fc.array(
  fc.oneof(
    fc.record({ what: fc.constant('push' as const), position: fc.integer({ min: 0, max: 20 }) }),
    fc.record({ what: fc.constant('pop' as const), position: fc.constant(0) }),
    fc.record({ what: fc.constant('replace' as const), position: fc.integer({ min: 0, max: 20 }) }),
  ),
  { maxLength: 60 },
)

describe('a heap of sources', () => {
  test('gives what a sorted list gives, whatever is pushed, popped and replaced', () => {
    fc.assert(
      fc.property(STEPS, (steps) => {
        const heap = new SourceHeap<At>()
        const sorted: number[] = []
        for (const { what, position } of steps) {
          if (what === 'push') {
            heap.push(new At(position))
            sorted.push(position)
          } else if (what === 'pop') expect(heap.pop()?.position).toBe(sorted.shift())
          else if (sorted.length > 0) {
            expect(heap.replaceFirst(new At(position)).position).toBe(sorted.shift())
            sorted.push(position)
          }
          sorted.sort((a, b) => a - b)
          expect(heap.first?.position).toBe(sorted[0])
          heap.checkInvariants()
        }
      }),
    )
  })

  test('an empty one has no first, nothing to pop and nothing to replace', () => {
    const heap = new SourceHeap<At>()
    expect(heap.first).toBeUndefined()
    expect(heap.pop()).toBeUndefined()
    expect(() => heap.replaceFirst(new At(1))).toThrow('a source takes the place of another')
  })

  test('nothing is left after clear', () => {
    const heap = new SourceHeap<At>()
    heap.push(new At(1))
    heap.clear()
    expect(heap.pop()).toBeUndefined()
  })
})
