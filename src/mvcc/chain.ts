/**
 * A set in the order of arrival whose members leave by a link of their own: what is open, what is active.
 *
 *      first <-> link <-> link <-> last          add: behind the last; remove: the neighbours join hands
 *
 * Why not a `Set`: members here live for a millisecond. V8 gives a set a new table each time the old one is full of holes,
 * and every abandoned table points to the next, with the members of its time; once one of them is old, all that follow
 * are kept until the next full collection. Measured with 64 clients, two thirds of what a young collection should have
 * freed survived it. A link that has been removed points nowhere.
 *
 * Invariant: a link is in the chain between `add` and the first `remove`. Pinned by test/unit/mvcc/chain.test.ts.
 */
import { assert } from '../base/assert'

/** A member's place in a chain. Its fields are the chain's. */
export class Link<T> {
  previous: Link<T> | undefined = undefined
  next: Link<T> | undefined = undefined
  isLinked = true

  constructor(readonly value: T) {}
}

/** See the file's header. */
export class Chain<T> {
  #first: Link<T> | undefined = undefined
  #last: Link<T> | undefined = undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Adds a member behind all others. */
  add(value: T): Link<T> {
    const link = new Link(value)
    const last = this.#last
    link.previous = last
    if (last === undefined) this.#first = link
    else last.next = link
    this.#last = link
    this.#size++
    return link
  }

  /** Takes a member out; false if it was out already. REQUIRES: `link` is of this chain. */
  remove(link: Link<T>): boolean {
    if (!link.isLinked) return false
    const { previous, next } = link
    assert(previous !== undefined || this.#first === link, 'a link is taken out of its own chain')
    if (previous === undefined) this.#first = next
    else previous.next = next
    if (next === undefined) this.#last = previous
    else next.previous = previous
    link.previous = undefined
    link.next = undefined
    link.isLinked = false
    this.#size--
    return true
  }

  /** The members, oldest first. REQUIRES: the one at hand is not removed meanwhile. */
  *[Symbol.iterator](): IterableIterator<T> {
    for (let link = this.#first; link !== undefined; link = link.next) yield link.value
  }
}
