/**
 * What keeps the graph small: forgetting with folding, summaries, merged reads, and giving up the oldest.
 */
import { GraphWorld, growingRead, reportThrownBy } from './graph-world'

describe('forgetting', () => {
  test('folds what was reached through the forgotten into low, with a reference to it', () => {
    const world = new GraphWorld()
    const [old, middle] = [world.begin(), world.begin()]
    world.graph.readKey(middle, 'x')
    world.write('x')
    world.commit(middle, ['y'])
    world.graph.abort(old)
    // Published, and nobody's snapshot is below the first commit any more; the second is not published.
    world.graph.publish(1)
    expect(world.graph.core.retainedCount).toBe(1)
    expect(middle).toMatchObject({ low: 1, lowRef: { commit: 1 } })
    expect(world.graph.core.edges).toBe(0)
    expect(world.graph.core.nodesWithOutEdges.has(middle)).toBe(true)
    world.graph.checkInvariants()
  })

  test('folds the least through a chain of forgotten ones', () => {
    const world = new GraphWorld()
    const [one, two, three] = [world.begin(), world.begin(), world.begin()]
    world.graph.readKey(two, 'a')
    world.graph.readKey(three, 'b')
    world.commit(one, ['a'])
    world.commit(two, ['b'])
    world.commit(three, ['c'])
    world.graph.publish(2)
    expect(three).toMatchObject({ low: 1, lowRef: { id: one.id } })
    expect(world.graph.core.retainedCount).toBe(1)
  })

  test('keeps of a decided transaction what conflicts can need, and not whoever began it', () => {
    const world = new GraphWorld()
    const [node, loser] = [world.begin(), world.begin()]
    const listener = node.onDoomed
    world.graph.readKey(node, 'x')
    world.commit(node, ['y'])
    expect(world.graph.core.retainedCount).toBe(1)
    // Its listener is the transaction, with all that it has written.
    expect(node.onDoomed).not.toBe(listener)
    world.graph.abort(loser)
    world.publishAll()
    world.expectNothingLeft()
  })

  test('waits until a transaction is published, whoever is active', () => {
    const world = new GraphWorld()
    world.write('x')
    expect(world.graph.core.retainedCount).toBe(1)
    world.publishAll()
    world.expectNothingLeft()
  })

  test('waits for the oldest snapshot, read-write or declared', () => {
    const world = new GraphWorld()
    const node = world.begin()
    const reader = world.beginReader()
    world.write('x')
    world.publishAll()
    world.graph.abort(node)
    expect(world.graph.core.retainedCount).toBe(1)
    world.graph.endReader(reader)
    world.expectNothingLeft()
  })

  test('drops the registrations of the forgotten', () => {
    const world = new GraphWorld()
    const old = world.begin()
    const node = world.begin()
    world.graph.readKey(node, 'r')
    world.readRange(node, 'm', 'p')
    world.commit(node, ['w'], [{ start: 'a', end: 'c' }])
    world.publishAll()
    expect(world.sizes()).toMatchObject({ pointReads: 1, rangeReads: 1, pointWrites: 1, rangeDeletes: 1 })
    world.graph.abort(old)
    world.expectNothingLeft()
  })

  test('goes on in order for thousands behind one old snapshot', () => {
    const world = new GraphWorld()
    const old = world.begin()
    for (let i = 0; i < 5000; i++) {
      world.write(`k${String(i % 7)}`)
      if (i % 100 === 0) world.publishAll()
    }
    expect(world.graph.core.retainedCount).toBe(5000)
    const younger = world.begin()
    for (let i = 0; i < 500; i++) world.write('k')
    world.graph.abort(old)
    world.publishAll()
    expect(world.graph.core.retainedCount).toBe(500)
    world.graph.checkInvariants()
    world.graph.abort(younger)
    world.expectNothingLeft()
  })

  test('lets go at once of two hundred thousand writers of one key that an old snapshot has kept', () => {
    const world = new GraphWorld()
    const old = world.begin()
    for (let i = 0; i < 200_000; i++) world.write('k')
    world.publishAll()
    world.graph.abort(old)
    world.expectNothingLeft()
  })

  test('unpublished transactions are listed, newest first, and only those', () => {
    const world = new GraphWorld()
    const old = world.begin()
    for (let i = 0; i < 4; i++) world.write('k')
    world.graph.publish(2)
    expect([...world.graph.core.unpublished()].map(({ commit }) => commit)).toEqual([4, 3])
    world.graph.abort(old)
  })
})

describe('summaries', () => {
  test('keep writes, commit and low of the oldest retained, and drop reads and edges', () => {
    const world = new GraphWorld({ retainedExactMax: 2 })
    const [old, node] = [world.begin(), world.begin()]
    const first = world.begin()
    world.graph.readKey(node, 'x')
    world.commit(first, ['x'])
    world.commit(node, ['y'])
    expect(world.sizes()).toMatchObject({ summarized: 0, edges: 1, pointReads: 1 })
    world.write('p')
    world.write('q')
    expect(first.state).toBe('summarized')
    expect(node).toMatchObject({ state: 'summarized', low: 1, lowRef: { id: first.id, commit: 1 } })
    expect(world.sizes()).toMatchObject({ summarized: 2, pointReads: 0, edges: 0, pointWrites: 4 })
    world.graph.checkInvariants()
    world.graph.abort(old)
    world.publishAll()
    world.expectNothingLeft()
  })

  test('a commit that meets one aborts, and says that it may be needless', () => {
    const world = new GraphWorld({ retainedExactMax: 0 })
    const node = world.begin()
    world.graph.readKey(node, 'x')
    world.write('x')
    expect(reportThrownBy(() => world.commit(node, ['y']))).toMatchObject({ reason: 'summary', conservative: true })
  })

  test('schedule 10: a summarized writer still stands between what was overwritten and what is written', () => {
    const world = new GraphWorld({ retainedExactMax: 0 })
    const node = world.begin()
    world.graph.readKey(node, 'x')
    world.write('x')
    world.publishAll()
    const late = world.begin()
    world.commit(late, ['y'])
    expect(reportThrownBy(() => world.commit(node, ['y']))).toMatchObject({ reason: 'cycle', conservative: false })
  })

  test('schedule 10: a reader that was summarized away before what it read is overwritten still counts', () => {
    const world = new GraphWorld({ retainedExactMax: 0 })
    const [reader, writer, victim] = [world.begin(), world.begin(), world.begin()]
    world.graph.readKey(reader, 'c')
    world.graph.readKey(writer, 'b')
    world.graph.readKey(victim, 'a')
    world.commit(reader, ['a'])
    world.commit(writer, ['c'])
    expect(reportThrownBy(() => world.commit(victim, ['b']))).toMatchObject({ conservative: true })
  })

  test('nothing stale read: committed, however much is summarized', () => {
    const world = new GraphWorld({ retainedExactMax: 0 })
    const node = world.begin()
    for (let i = 0; i < 5; i++) world.write('x')
    world.graph.readKey(node, 'y')
    expect(world.commit(node, ['x', 'z'])).toBe(6)
  })

  test('registrationsMax summarizes the oldest until what is left fits', () => {
    const world = new GraphWorld({ registrationsMax: 6 })
    const old = world.begin()
    for (let i = 0; i < 4; i++) {
      const node = world.begin()
      world.graph.readKey(node, `r${String(i)}`)
      world.commit(node, [`w${String(i)}`])
    }
    // Four reads and four writes: two summaries take two reads away.
    expect(world.sizes()).toMatchObject({ retained: 4, summarized: 2, pointReads: 2, pointWrites: 4 })
    world.graph.checkInvariants()
    world.graph.abort(old)
    world.publishAll()
    world.expectNothingLeft()
  })

  test('a late reader raises the floor of a summarized transaction and with it the greatest', () => {
    const world = new GraphWorld({ retainedExactMax: 0 })
    const late = world.begin()
    world.write('seen')
    world.publishAll()
    const reader = world.beginReader()
    world.commit(late, ['k'])
    expect(() => {
      world.graph.readKeyAsReader(reader, 'k')
    }).toThrow(expect.objectContaining({ report: expect.objectContaining({ reason: 'summary' }) as unknown }) as Error)
    world.graph.endReader(reader)
    world.publishAll()
    world.expectNothingLeft()
  })
})

describe('merged reads', () => {
  test('become ranges beyond readsPerTransactionMax, and what is between them is marked', () => {
    const world = new GraphWorld({ readsPerTransactionMax: 2 })
    const node = world.begin()
    for (const key of ['a', 'e', 'c']) world.graph.readKey(node, key)
    expect(world.sizes()).toMatchObject({ pointReads: 0, rangeReads: 1 })
    expect([...node.rangeReads!]).toMatchObject([{ start: 'a', end: 'e\0', value: { merged: true } }])
    world.write('b')
    expect([...node.missed!.values()]).toMatchObject([{ key: 'b', merged: true }])
    const other = world.begin({ snapshot: 0 })
    world.graph.readKey(other, 'z')
    world.graph.checkInvariants()
  })

  test('schedule 11: an abort that rests on one is conservative and says merged-range', () => {
    const world = new GraphWorld({ readsPerTransactionMax: 2 })
    const [node, writer] = [world.begin(), world.begin()]
    for (const key of ['a', 'c', 'e']) world.graph.readKey(node, key)
    world.graph.readKey(writer, 'y')
    world.commit(writer, ['b'])
    expect(reportThrownBy(() => world.commit(node, ['y']))).toMatchObject({
      reason: 'merged-range',
      conservative: true,
    })
  })

  test('an exact edge takes the place of a merged one: the abort is certain', () => {
    const world = new GraphWorld({ readsPerTransactionMax: 2 })
    const [node, writer] = [world.begin(), world.begin()]
    for (const key of ['a', 'c', 'e']) world.graph.readKey(node, key)
    world.graph.readKey(writer, 'y')
    world.graph.readKey(node, 'b')
    world.commit(writer, ['b'])
    expect(reportThrownBy(() => world.commit(node, ['y']))).toMatchObject({ reason: 'cycle', conservative: false })
  })

  test('a key in a merged range is not certainly read: a write of it is not a lost update', () => {
    const world = new GraphWorld({ readsPerTransactionMax: 2 })
    const node = world.begin()
    for (const key of ['a', 'c', 'e']) world.graph.readKey(node, key)
    world.write('b')
    expect(() => {
      world.graph.checkWrite(node, 'b')
    }).not.toThrow()
  })

  test('ranges merge too, and one without a gap stays exact', () => {
    const world = new GraphWorld({ readsPerTransactionMax: 2 })
    const node = world.begin()
    for (const [start, end] of [
      ['a', 'b'],
      ['b', 'd'],
      ['c', 'e'],
    ] as const)
      world.readRange(node, start, end)
    expect([...node.rangeReads!]).toMatchObject([{ start: 'a', end: 'e', value: { merged: false } }])
    world.readRange(node, 'x', undefined)
    world.readRange(node, 'm', 'n')
    expect([...node.rangeReads!]).toMatchObject([{ start: 'a', end: undefined, value: { merged: true } }])
    world.graph.checkInvariants()
  })

  test('a cursor goes on after its interval has been merged away', () => {
    const world = new GraphWorld({ readsPerTransactionMax: 2 })
    const node = world.begin()
    const growing = growingRead()
    world.graph.readRange(node, { start: 'a', end: 'b' }, growing)
    world.readRange(node, 'm', 'n')
    world.readRange(node, 's', 't')
    world.graph.readRange(node, { start: 'b', end: 'c' }, growing)
    const before = world.write('b')
    expect([...node.missed!.keys()].map(({ commit }) => commit)).toEqual([before])
    world.graph.checkInvariants()
    world.graph.abort(node)
    world.publishAll()
    world.expectNothingLeft()
  })

  test('a transaction of point reads alone is bounded too', () => {
    const world = new GraphWorld({ readsPerTransactionMax: 4 })
    const node = world.begin()
    for (let i = 0; i < 5000; i++) world.graph.readKey(node, String(i).padStart(5, '0'))
    const { pointReads, rangeReads } = world.sizes()
    expect(pointReads! + rangeReads!).toBeLessThanOrEqual(2 * 4 + 1)
    world.graph.checkInvariants()
  })
})

describe('too old', () => {
  test('dooms whoever reads at the oldest snapshot once summaries are too many', () => {
    const world = new GraphWorld({ retainedCommitsMax: 3, retainedExactMax: 1 })
    const oldest = world.begin()
    world.write('k')
    world.publishAll()
    const next = world.begin()
    for (let i = 0; i < 3; i++) {
      world.write('k')
      world.publishAll()
    }
    expect(world.doomedById.get(oldest.id)).toMatchObject({ report: { reason: 'too-old', conservative: true } })
    expect(world.doomedById.has(next.id)).toBe(false)
    expect(oldest.state).toBe('gone')
    expect(world.graph.core.retainedCount).toBe(3)
    world.graph.checkInvariants()
  })

  test('lets go of a declared reader as well', () => {
    const world = new GraphWorld({ retainedCommitsMax: 1 })
    const reader = world.beginReader()
    for (let i = 0; i < 3; i++) {
      world.write('k')
      world.publishAll()
    }
    expect(world.doomedById.get(reader.id)).toMatchObject({ report: { reason: 'too-old' } })
    world.expectNothingLeft()
  })

  test('dooms nobody for commits that only wait to be published', () => {
    const world = new GraphWorld({ retainedCommitsMax: 1 })
    const node = world.begin()
    for (let i = 0; i < 5; i++) world.write('k')
    expect(world.doomedById.size).toBe(0)
    expect(node.state).toBe('active')
  })
})
