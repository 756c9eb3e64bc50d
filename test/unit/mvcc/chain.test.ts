/**
 * A chain is a set in the order of arrival.
 */
import fc from 'fast-check'
import { Chain } from '../../../src/mvcc/chain'
import type { Link } from '../../../src/mvcc/chain'

describe('a chain', () => {
  test('holds what was added and not removed, in the order of arrival, whatever was done to it', () => {
    const step = fc.oneof(fc.constant(undefined), fc.nat(20))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const chain = new Chain<number>()
        const links: Link<number>[] = []
        const model = new Set<number>()
        for (const place of steps) {
          const link = place === undefined ? undefined : links[place]
          if (link === undefined) {
            model.add(links.length)
            links.push(chain.add(links.length))
          } else {
            expect(chain.remove(link)).toBe(model.delete(link.value))
          }
          expect(chain.size).toBe(model.size)
          expect([...chain]).toEqual([...model])
        }
      }),
    )
  })

  test('a link that was removed leads nowhere, so that nothing is kept by it', () => {
    const chain = new Chain<string>()
    const links = ['a', 'b', 'c'].map((name) => chain.add(name))
    for (const link of links) {
      chain.remove(link)
      expect(link).toMatchObject({ previous: undefined, next: undefined, isLinked: false })
    }
  })

  test('refuses the link of another chain', () => {
    const chain = new Chain<number>()
    chain.add(1)
    expect(() => chain.remove(new Chain<number>().add(2))).toThrow('out of its own chain')
  })
})
