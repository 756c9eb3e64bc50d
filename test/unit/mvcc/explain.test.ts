/**
 * The explanation of a transaction: what it shows in each state, and that its forecast is what the commit then says.
 */
import type { LimitName } from '../../../src/base/limits'
import type { StoreTransaction } from '../../../src/mvcc/contract'
import type { ExplainedEdge, TransactionExplanation } from '../../../src/mvcc/explanation'
import type { StoreWorld } from './store-world'
import { codeOf, createStoreWorld, keysOf, outcomeOf, prepareDoom } from './store-world'

const VALUE = Buffer.from('value')
const ALL = { start: '', end: undefined }

/** The edges of a list in short: who --kind--> whom, and over what. */
function edgesOf(edges: { readonly first: readonly ExplainedEdge[] }): string[] {
  return edges.first.map(({ from, to, kind, key, range }) => {
    const place = key ?? range?.start
    return `${from.label ?? from.id} ${kind} ${to.label ?? to.id}: ${Buffer.from(place ?? []).toString()}`
  })
}

/** The places of a list in short; a range as `a..c`. */
function placesOf(places: TransactionExplanation['reads'] | TransactionExplanation['writes']): string[] {
  return places.first.map(({ key, range }) => {
    if (key !== undefined) return Buffer.from(key).toString()
    return `${Buffer.from(range?.start ?? []).toString()}..${Buffer.from(range?.end ?? []).toString()}`
  })
}

/** Both doctors have looked; bob has left and committed. */
function createSkew(world: StoreWorld, options: { readonly isolation?: 'snapshot' } = {}): StoreTransaction {
  world.seed('alice', 'bob')
  const [alice, bob] = ['alice', 'bob'].map((label) => world.store.begin({ label, ...options }))
  for (const doctor of [alice!, bob!]) for (const key of ['alice', 'bob']) doctor.getSync(key)
  bob!.put('bob', VALUE)
  void bob!.commit()
  alice!.put('alice', VALUE)
  return alice!
}

describe('the explanation of an open transaction', () => {
  test('shows reads, writes, edges both ways and the refusal of a commit', () => {
    const world = createStoreWorld()
    const alice = createSkew(world)
    const shown = alice.explain()
    expect(shown).toMatchObject({ label: 'alice', state: 'open', isolation: 'serializable', snapshot: 2, floor: 2 })
    expect(placesOf(shown.reads)).toEqual(['alice', 'bob'])
    expect(shown.writes.first.map(({ kind }) => kind)).toEqual(['put'])
    expect(placesOf(shown.writes)).toEqual(['alice'])
    expect(edgesOf(shown.missed)).toEqual(['alice rw bob: bob'])
    expect(edgesOf(shown.missedBy)).toEqual(['bob rw alice: alice'])
    expect(shown.commitNow).toMatchObject({
      outcome: 'refused',
      report: { reason: 'cycle', victim: { label: 'alice' } },
    })
    alice.rollback()
    world.expectRest()
  })

  test('changes nothing: neither figures nor what comes after', () => {
    const world = createStoreWorld()
    const alice = createSkew(world)
    // Ages go on.
    const figures = (): unknown => ({
      ...world.store.stats(),
      oldestOpenTransaction: undefined,
      oldestReader: undefined,
    })
    const before = figures()
    const first = alice.explain()
    expect(alice.explain()).toEqual(first)
    expect(figures()).toEqual(before)
    world.store.checkInvariants()
    alice.rollback()
    world.expectRest()
  })

  test('under snapshot isolation registers no reads, and is refused only for a key that it writes', () => {
    const world = createStoreWorld()
    const alice = createSkew(world, { isolation: 'snapshot' })
    expect(alice.explain()).toMatchObject({
      isolation: 'snapshot',
      reads: { total: 0 },
      commitNow: { outcome: 'accepted' },
    })
    alice.put('bob', VALUE)
    expect(alice.explain().commitNow).toMatchObject({ outcome: 'refused', report: { reason: 'lost-update' } })
    alice.rollback()
    world.expectRest()
  })

  test('shows a range that a cursor has read, a deleted one, and that one who reads it would have missed it', async () => {
    const world = createStoreWorld()
    world.seed('a', 'b', 'c')
    const reader = world.store.begin({ label: 'reader' })
    expect(await keysOf(reader.openCursor({ start: 'a', end: 'c' }, { reverse: false }))).toEqual(['a', 'b'])
    const writer = world.store.begin({ label: 'writer' })
    writer.deleteRange({ start: 'b', end: undefined })
    writer.delete('a')
    expect(placesOf(reader.explain().reads)).toEqual(['a..c'])
    expect(writer.explain().writes.first.map(({ kind }) => kind)).toEqual(['deleteRange', 'delete'])
    expect(edgesOf(writer.explain().missedBy)).toEqual(['reader rw writer: b'])
    expect(writer.explain().commitNow).toEqual({ outcome: 'accepted' })
    void writer.commit()
    expect(edgesOf(reader.explain().missed)).toHaveLength(1)
    expect(edgesOf(writer.explain().missedBy)).toEqual(edgesOf(reader.explain().missed))
    expect(writer.explain()).toMatchObject({ state: 'decided', commit: 4, writes: { total: 0 } })
    expect(writer.explain().commitNow).toBeUndefined()
    reader.rollback()
    world.expectRest()
  })

  test('shows the floor that a reader without writes has raised', () => {
    const world = createStoreWorld()
    world.seed('k')
    const old = world.store.begin({ label: 'old' })
    world.seed('other')
    const report = world.store.begin({ readOnly: true, label: 'report' })
    report.getSync('k')
    expect(report.explain()).toMatchObject({
      readOnly: true,
      safe: false,
      snapshot: 2,
      commitNow: { outcome: 'accepted' },
    })
    expect(placesOf(report.explain().reads)).toEqual(['k'])
    expect(old.explain().floor).toBe(1)
    old.put('k', VALUE)
    expect(old.explain()).toMatchObject({ snapshot: 1, floor: 2, floorReader: { label: 'report' } })
    old.rollback()
    report.rollback()
    world.expectRest()
  })

  test('cuts its lists at explanationEntriesMax, and counts on', () => {
    const world = createStoreWorld({ limits: { explanationEntriesMax: 2 } })
    const transaction = world.store.begin()
    for (const key of ['a', 'b', 'c']) {
      transaction.getSync(key)
      transaction.put(`w${key}`, VALUE)
    }
    expect(placesOf(transaction.explain().reads)).toEqual(['a', 'b'])
    expect([transaction.explain().reads.total, transaction.explain().writes.total]).toEqual([3, 3])
    expect(placesOf(transaction.explain().writes)).toEqual(['wa', 'wb'])
    transaction.rollback()
    world.expectRest()
  })
})

describe('the explanation of one that waits or has ended', () => {
  test('says for which key it waits, behind whom, and who holds it', async () => {
    const world = createStoreWorld()
    const [first, second, third] = ['first', 'second', 'third'].map((label) => world.store.begin({ label }))
    void first!.getForUpdate('k')
    const waiting = [second!, third!].map((each) => outcomeOf(Promise.resolve(each.getForUpdate('k'))))
    expect(first!.explain().holds.first.map(String)).toEqual(['k'])
    expect(first!.explain().waits).toEqual([])
    expect(second!.explain().waits).toEqual([
      { for: 'key', key: Buffer.from('k'), behind: { id: first!.id, label: 'first' } },
    ])
    expect(third!.explain().waits[0]?.behind?.label).toBe('second')
    first!.rollback()
    expect(await waiting[0]).toBeUndefined()
    expect(second!.explain().waits).toEqual([])
    second!.rollback()
    third!.rollback()
    await Promise.all(waiting)
    expect(third!.explain()).toMatchObject({ state: 'rolled-back', reads: { total: 0 }, holds: { total: 0 } })
    world.expectRest()
  })

  test('says that it waits at the commit gate', async () => {
    const world = createStoreWorld()
    const holder = await world.store.beginUnderGate({ label: 'starving' }).result
    const other = world.store.begin({ label: 'other' })
    other.put('k', VALUE)
    const committing = outcomeOf(other.commit(), 2)
    expect(other.explain()).toMatchObject({
      state: 'committing',
      waits: [{ for: 'gate', behind: { label: 'starving' } }],
      commitNow: { outcome: 'accepted' },
    })
    holder.rollback()
    await new Promise((resolve) => setImmediate(resolve))
    world.publishAll()
    expect(await committing).toMatchObject({ sequence: 1 })
    world.expectRest()
  })

  test('says that a deferrable reader waits for a safe snapshot, behind whom, and that it then is safe', async () => {
    const world = createStoreWorld()
    world.seed('a')
    const writer = world.store.begin({ label: 'writer' })
    world.seed('b')
    const deferrable = world.store.begin({ deferrable: true, label: 'deferrable' })
    const read = outcomeOf(Promise.resolve(deferrable.get('a')), 2)
    expect(deferrable.explain()).toMatchObject({
      safe: false,
      waits: [{ for: 'safe-snapshot', behind: { label: 'writer' } }],
    })
    writer.rollback()
    expect(await read).toEqual(Buffer.from('a'))
    expect(deferrable.explain()).toMatchObject({ safe: true, waits: [], reads: { total: 0 } })
    await deferrable.commit()
    expect(deferrable.explain().state).toBe('committed')
    world.expectRest()
  })

  test('shows why a doomed one is doomed', async () => {
    const world = createStoreWorld()
    const { victim, doom } = prepareDoom(world, 'k')
    world.publishAll()
    expect(victim.explain().error).toBeUndefined()
    doom()
    const { state, error, commitNow } = victim.explain()
    expect([state, commitNow]).toEqual(['aborted', undefined])
    expect(await codeOf(() => victim.get('k'))).toBe('SERIALIZATION')
    expect((error as { code?: string }).code).toBe('SERIALIZATION')
    world.expectRest()
  })
})

describe('the forecast', () => {
  const SEED = Number(process.env['SEED'] ?? 20260)
  const RUNS = 80

  test.each([
    ['exact', {}],
    ['summarized at every step', { retainedExactMax: 0 }],
    ['merged reads', { readsPerTransactionMax: 2 }],
  ] as const)(
    `is what the commit then says, sentence by sentence: %s (replay: SEED=${SEED} npx jest test/unit/mvcc/explain)`,
    async (_, limits) => {
      const tally = { accepted: 0, refused: 0, doomed: 0 }
      for (let run = 0; run < RUNS; run++) await playAtRandom(createRandom(SEED + run), limits, tally)
      // It has seen both outcomes often, or it has tested nothing.
      expect(tally.accepted).toBeGreaterThan(150)
      expect(tally.refused).toBeGreaterThan(15)
    },
  )
})

/** Random transactions over four keys; before each commit the forecast is taken, and must be what the commit says. */
async function playAtRandom(
  random: (below: number) => number,
  limits: Partial<Record<LimitName, number>>,
  tally: { accepted: number; refused: number; doomed: number },
): Promise<void> {
  const world = createStoreWorld({ limits })
  const open: StoreTransaction[] = []
  const key = (): string => 'abcd'.charAt(random(4))
  for (let step = 0; step < 60; step++) {
    const transaction = open[random(open.length + 1)]
    if (transaction === undefined) {
      if (open.length < 5) open.push(world.store.begin(random(6) === 0 ? { isolation: 'snapshot' } : {}))
      else world.engine.publishThrough(world.store.stats().decided)
      continue
    }
    try {
      await act(transaction, random, key)
      if (random(3) > 0) continue
      const forecast = transaction.explain().commitNow
      const committed = transaction.commit()
      open.splice(open.indexOf(transaction), 1)
      // Decided at once: only the acknowledgement is waited for.
      const outcome = await outcomeOf(committed)
      const { error } = transaction.explain()
      expect(forecast?.outcome).toBe(error === undefined ? 'accepted' : 'refused')
      if (forecast?.outcome === 'refused') {
        expect(forecast.message).toBe(error?.message)
        expect(forecast.report).toEqual((error as { report?: unknown }).report)
        tally.refused++
      } else if (outcome !== undefined) tally.accepted++
    } catch (error) {
      if ((error as { code?: string }).code !== 'SERIALIZATION') throw error
      open.splice(open.indexOf(transaction), 1)
      tally.doomed++
    }
    world.store.checkInvariants()
  }
  for (const transaction of open) transaction.rollback()
  world.expectRest()
}

async function act(transaction: StoreTransaction, random: (below: number) => number, key: () => string): Promise<void> {
  const savepoint = random(8) === 0 ? transaction.savepoint() : undefined
  const choice = random(6)
  if (choice === 0) transaction.delete(key())
  else if (choice === 1) transaction.deleteRange({ start: key(), end: random(2) === 0 ? undefined : 'd' })
  else if (choice === 2)
    await keysOf(transaction.openCursor(random(2) === 0 ? ALL : { start: key(), end: 'd' }, { reverse: random(2) === 0 }), 1 + random(3)) // prettier-ignore
  else if (choice === 3) transaction.put(key(), VALUE)
  else transaction.getSync(key())
  if (savepoint !== undefined && random(2) === 0) savepoint.rollback()
  else savepoint?.release()
}

/** Whole numbers below a bound that depend on the seed alone (mulberry32). */
function createRandom(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}
