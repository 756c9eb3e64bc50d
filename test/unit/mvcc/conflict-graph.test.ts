/**
 * The conflict graph carries out the rules: registrations, edges, floors, dooming, and nothing left at rest.
 */
import { SeededRandom, testSeed } from '../../support/oracle/random'
import type { TransactionNode } from '../../../src/mvcc/transaction-node'
import { GraphWorld, batchOf, growingRead, reportThrownBy } from './graph-world'

describe('the conflict graph', () => {
  test('write skew: the second to commit is the victim', () => {
    const world = new GraphWorld()
    const [one, two] = [world.begin(), world.begin()]
    world.graph.readKey(one, 'x')
    world.graph.readKey(two, 'y')
    world.commit(one, ['y'])
    expect(reportThrownBy(() => world.commit(two, ['x']))).toMatchObject({ reason: 'cycle', conservative: false })
    world.publishAll()
    world.expectNothingLeft()
  })

  test('write skew is found too when the read comes after the other has committed', () => {
    const world = new GraphWorld()
    const [one, two] = [world.begin(), world.begin()]
    world.graph.readKey(one, 'x')
    world.commit(one, ['y'])
    world.graph.readKey(two, 'y')
    expect(reportThrownBy(() => world.commit(two, ['x'])).reason).toBe('cycle')
  })

  test('a stale read alone is committed', () => {
    const world = new GraphWorld()
    const [one, two] = [world.begin(), world.begin()]
    world.graph.readKey(two, 'y')
    world.commit(one, ['y'])
    expect(world.commit(two, ['z'])).toBe(2)
    world.publishAll()
    world.expectNothingLeft()
  })

  test('blind writers of one key both commit, in order, with a ww edge between them', () => {
    const world = new GraphWorld()
    const [one, two] = [world.begin(), world.begin()]
    world.commit(one, ['k'])
    world.commit(two, ['k'])
    expect([...one.missed!.values()]).toMatchObject([{ kind: 'ww', key: 'k' }])
    world.graph.checkInvariants()
  })

  test('every overwriter above the snapshot is missed, not only the newest', () => {
    const world = new GraphWorld()
    const reader = world.begin()
    for (let i = 0; i < 4; i++) world.write('k')
    world.graph.readKey(reader, 'k')
    expect([...reader.missed!.keys()].map(({ commit }) => commit).sort((a, b) => a - b)).toEqual([1, 2, 3, 4])
    expect(world.graph.core.edges).toBe(4)
  })

  test('a range misses inserts, deletions and deleted ranges in it, and nothing beside it', () => {
    const world = new GraphWorld()
    const reader = world.begin()
    world.write('b')
    world.write('f')
    world.commit(world.begin(), [], [{ start: 'a', end: 'c' }])
    world.commit(world.begin(), [], [{ start: 'f', end: undefined }])
    world.readRange(reader, 'b', 'f')
    expect([...reader.missed!.keys()].map(({ commit }) => commit).sort((a, b) => a - b)).toEqual([1, 3])
  })

  test('a commit tells active readers of keys and ranges, and dooms whose reads alone close a cycle', () => {
    const world = new GraphWorld()
    const writer = world.begin()
    world.graph.readKey(writer, 'x')
    world.write('x')
    const late = world.begin()
    const early = world.begin({ snapshot: 0 })
    world.graph.readKey(late, 'y')
    world.readRange(early, 'y', 'z')
    world.commit(writer, ['y'])
    expect([...world.doomedById.keys()]).toEqual([late.id])
    expect(late.state).toBe('gone')
    expect(early.missed?.has(writer)).toBe(true)
    world.graph.checkInvariants()
  })

  test('several readers are doomed by one commit', () => {
    const world = new GraphWorld()
    const writer = world.begin()
    world.graph.readKey(writer, 'x')
    world.write('x')
    world.publishAll()
    const readers = [world.begin(), world.begin(), world.begin()]
    for (const reader of readers) world.graph.readKey(reader, 'y')
    world.commit(writer, ['y'])
    expect([...world.doomedById.keys()]).toEqual(readers.map(({ id }) => id))
    world.publishAll()
    world.expectNothingLeft()
  })

  test('a read that closes a cycle throws before anything is returned', () => {
    const world = new GraphWorld()
    const writer = world.begin()
    world.graph.readKey(writer, 'x')
    world.write('x')
    const reader = world.begin()
    world.commit(writer, ['y'])
    expect(reportThrownBy(() => world.graph.readKey(reader, 'y')).victim.id).toBe(reader.id)
    world.graph.abort(reader)
    world.publishAll()
    world.expectNothingLeft()
  })

  describe('lost updates', () => {
    test('a write of a key that was read and overwritten throws at once; of another key it does not', () => {
      const world = new GraphWorld()
      const node = world.begin()
      world.graph.readKey(node, 'k')
      world.write('k', 'other')
      world.graph.checkWrite(node, 'other')
      world.graph.checkRangeWrite(node, { start: 'l', end: undefined })
      expect(reportThrownBy(() => world.graph.checkWrite(node, 'k')).reason).toBe('lost-update')
      expect(reportThrownBy(() => world.graph.checkRangeWrite(node, { start: 'a', end: 'l' })).reason).toBe(
        'lost-update',
      )
    })

    test('by a deleted range, and where the read was part of a scan', () => {
      const world = new GraphWorld()
      const node = world.begin()
      world.readRange(node, 'a', 'm')
      world.commit(world.begin(), [], [{ start: 'k', end: 'z' }])
      expect(reportThrownBy(() => world.graph.checkWrite(node, 'k')).reason).toBe('lost-update')
      world.graph.checkWrite(node, 'n')
    })

    test('isolation snapshot: the first committer wins, reads do not count', () => {
      const world = new GraphWorld()
      const [one, two, three] = [world.begin(), world.begin(), world.begin()].map((node) => {
        world.graph.abort(node)
        return world.begin({ serializable: false, snapshot: 0 })
      }) as [TransactionNode, TransactionNode, TransactionNode]
      world.commit(one, ['k'])
      expect(reportThrownBy(() => world.commit(two, ['a', 'k'])).reason).toBe('lost-update')
      expect(world.commit(three, ['a'])).toBe(2)
      world.publishAll()
      world.expectNothingLeft()
    })

    test('isolation snapshot: a deleted range counts as a write of every key in it, both ways', () => {
      const world = new GraphWorld()
      const [one, two, three] = [1, 2, 3].map(() => world.begin({ serializable: false })) as [
        TransactionNode,
        TransactionNode,
        TransactionNode,
      ]
      world.commit(one, [], [{ start: 'a', end: 'm' }])
      expect(reportThrownBy(() => world.commit(two, ['c'])).reason).toBe('lost-update')
      expect(reportThrownBy(() => world.commit(three, [], [{ start: 'l', end: 'z' }])).reason).toBe('lost-update')
    })
  })

  describe('readers without writes', () => {
    test('raise the floors of those who overwrote what they read, and of those who will', () => {
      const world = new GraphWorld()
      const [late, later] = [world.begin(), world.begin()]
      world.write('seen')
      world.publishAll()
      const reader = world.beginReader()
      world.commit(late, ['a'])
      world.graph.readKeyAsReader(reader, 'a')
      world.graph.readKeyAsReader(reader, 'b')
      expect(late).toMatchObject({ floor: 1, floorReader: { reader: { id: reader.id }, key: 'a' } })
      world.commit(later, ['b'])
      expect(later).toMatchObject({ floor: 1, floorReader: { reader: { id: reader.id }, key: 'b' } })
      world.graph.endReader(reader)
      world.publishAll()
      world.expectNothingLeft()
    })

    test('leave nothing behind when their test fails', () => {
      const world = new GraphWorld()
      const writer = world.begin()
      world.graph.readKey(writer, 'x')
      world.write('x')
      world.publishAll()
      const reader = world.beginReader()
      world.commit(writer, ['y'])
      const { floor } = writer
      expect(reportThrownBy(() => world.graph.readKeyAsReader(reader, 'y')).reason).toBe('stale-read-only')
      expect(reportThrownBy(() => world.graph.readKeysAsReader(reader, ['a', 'y'])).reason).toBe('stale-read-only')
      const range = { start: 'a', end: undefined }
      expect(reportThrownBy(() => world.graph.readRangeAsReader(reader, range, undefined)).reason).toBe(
        'stale-read-only',
      )
      expect(world.sizes().floors).toBe(0)
      expect(writer.floor).toBe(floor)
    })

    test('record nothing while no older read-write transaction runs', () => {
      const world = new GraphWorld()
      world.write('k')
      world.publishAll()
      const reader = world.beginReader()
      const same = world.begin()
      world.graph.readKeyAsReader(reader, 'k')
      world.graph.readKeysAsReader(reader, ['a', 'b'])
      world.graph.readRangeAsReader(reader, { start: 'a', end: undefined }, growingRead().floor)
      expect(world.sizes().floors).toBe(0)
      world.graph.abort(same)
    })

    test('an undeclared one turns its keys and ranges into floors at its commit', () => {
      const world = new GraphWorld()
      const old = world.begin()
      world.write('seen')
      const node = world.begin()
      world.graph.readKey(node, 'a')
      world.readRange(node, 'm', 'p')
      world.graph.commitReader(node)
      expect(world.sizes()).toMatchObject({ pointReads: 0, rangeReads: 0, floors: 2 })
      world.commit(old, ['n'])
      expect(old.floor).toBe(1)
      world.publishAll()
      world.expectNothingLeft()
    })

    test('an undeclared one whose stale reads close a cycle throws at its commit and changes nothing', () => {
      const world = new GraphWorld()
      const [a, b, c] = [world.begin(), world.begin(), world.begin()]
      // Schedule 13: A missed B, B missed C; C before R in real time, B decided last.
      world.graph.readKey(a, 'x')
      world.graph.readKey(b, 'z')
      world.commit(c, ['z'])
      const reader = world.begin()
      world.commit(a, ['y'])
      world.graph.readKey(reader, 'y')
      world.commit(b, ['x'])
      expect(reportThrownBy(() => world.graph.commitReader(reader)).reason).toBe('stale-read-only')
      expect(reader.state).toBe('active')
      world.graph.abort(reader)
      world.publishAll()
      world.expectNothingLeft()
    })
  })

  describe('moving the snapshot', () => {
    test('lets go of what only the old snapshot kept', () => {
      const world = new GraphWorld()
      const node = world.begin()
      world.graph.readKey(node, 'untouched')
      world.write('k')
      world.publishAll()
      expect(world.graph.core.retainedCount).toBe(1)
      expect(world.graph.canMoveSnapshot(node)).toBe(true)
      world.graph.moveSnapshot(node)
      expect(node).toMatchObject({ snapshot: 1, floor: 1 })
      expect(world.graph.core.retainedCount).toBe(0)
      world.commit(node, ['k'])
      world.publishAll()
      world.expectNothingLeft()
    })

    test('is refused once something that was read is stale', () => {
      const world = new GraphWorld()
      const node = world.begin()
      world.graph.readKey(node, 'k')
      world.write('k')
      expect(world.graph.canMoveSnapshot(node)).toBe(false)
      expect(() => {
        world.graph.moveSnapshot(node)
      }).toThrow('leaves nothing stale')
    })
  })

  test('a commit that is refused by the storage changes nothing', () => {
    const world = new GraphWorld()
    const node = world.begin()
    const other = world.begin()
    world.graph.readKey(other, 'k')
    const commit = (): unknown =>
      world.graph.commit(node, batchOf(['k']), {
        append: () => {
          throw new Error('no room')
        },
      })
    expect(commit).toThrow('no room')
    expect(node.state).toBe('active')
    expect(world.graph.core.decided).toBe(0)
    expect(other.missed).toBeUndefined()
    world.graph.checkInvariants()
  })

  test('a transaction that has ended commits, reads and aborts no more', () => {
    const world = new GraphWorld()
    const node = world.begin()
    world.graph.abort(node)
    expect(() => world.graph.commit(node, batchOf(['k']), { append: () => undefined })).toThrow(
      'only an active transaction',
    )
    expect(() => {
      world.graph.commitReader(node)
    }).toThrow('only an active transaction')
    expect(() => {
      world.graph.abort(node)
    }).toThrow('only an active transaction')
  })

  describe('at rest', () => {
    for (const limits of [{}, { retainedExactMax: 0 }, { readsPerTransactionMax: 2 }, { retainedCommitsMax: 3 }]) {
      const seed = testSeed(7)
      test(`nothing is left of a random workload with ${JSON.stringify(limits)} (STRICTKV_SEED=${String(seed)})`, () => {
        const world = new GraphWorld(limits)
        runRandomly(world, new SeededRandom(seed))
        world.publishAll()
        world.expectNothingLeft()
      })
    }
  })
})

const KEYS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']

/** 2000 random steps of up to 8 transactions and 3 readers; all have ended afterwards. */
function runRandomly(world: GraphWorld, random: SeededRandom): void {
  const nodes: TransactionNode[] = []
  const readers: ReturnType<GraphWorld['beginReader']>[] = []
  const attempt = (step: () => unknown): boolean => {
    try {
      step()
      return true
    } catch (error) {
      expect(error).toMatchObject({ code: 'SERIALIZATION' })
      return false
    }
  }
  const anyRange = (): { start: string; end: string } => {
    const start = random.below(7)
    return { start: KEYS[start]!, end: `${KEYS[start + random.below(8 - start)]!}\0` }
  }
  let aborts = 0
  for (let i = 0; i < 2000; i++) {
    const place = random.below(8)
    const node = nodes[place]
    const verb = random.below(10)
    if (node?.state !== 'active') {
      nodes[place] = world.begin()
    } else if (verb < 3) {
      if (!attempt(() => world.graph.readKey(node, random.pick(KEYS)))) world.graph.abort(node)
    } else if (verb < 4) {
      const { start, end } = anyRange()
      if (!attempt(() => world.readRange(node, start, end))) world.graph.abort(node)
    } else if (verb < 7) {
      const ranges = random.chance(0.1) ? [anyRange()] : []
      if (!attempt(() => world.commit(node, [random.pick(KEYS)], ranges))) aborts++
    } else if (verb < 8) {
      if (!attempt(() => world.graph.commitReader(node))) world.graph.abort(node)
    } else if (verb < 9) {
      const at = random.below(3)
      const reader = readers[at]
      if (reader === undefined || !world.graph.core.isHeld(reader)) readers[at] = world.beginReader()
      else if (random.chance(0.3)) world.graph.endReader(reader)
      else attempt(() => world.graph.readKeyAsReader(reader, random.pick(KEYS)))
    } else if (random.chance(0.5)) {
      world.publishAll()
    } else {
      world.graph.abort(node)
    }
    world.graph.checkInvariants()
  }
  expect(aborts).toBeGreaterThan(0)
  for (const node of nodes) if (node.state === 'active') world.graph.abort(node)
  for (const reader of readers)
    if (reader !== undefined && world.graph.core.isHeld(reader)) world.graph.endReader(reader)
}
