/** The limits of keys, values, transactions and calls: each at two values, and what that changes. */
import { LimitExceededError, RetriesExhaustedError } from '../../src/index'
import type { Database, DatabaseEvent, LoadPair, SerializationError } from '../../src/index'
import { KiB, keyNumber, refusalOf, turns, until, withDatabase, withMemory } from './option-world'

test('keyBytesMax: a longer key is refused, everywhere', async () => {
  for (const keyBytesMax of [8, 9]) {
    await withDatabase({ keyBytesMax }, async (db) => {
      await db.put('k'.repeat(keyBytesMax), '1')
      const longer = 'k'.repeat(keyBytesMax + 1)
      for (const use of [
        () => db.put(longer, '1'),
        () => db.get(longer),
        () => db.count({ gte: longer }),
        () => db.begin().delete(longer),
      ]) {
        // prettier-ignore
        expect(await refusalOf(use)).toBeInstanceOf(LimitExceededError)
      }
    })
  }
})

test('valueBytesMax: a longer value is refused', async () => {
  for (const valueBytesMax of [0, 100]) {
    await withDatabase({ valueBytesMax }, async (db) => {
      await db.put('a', Buffer.alloc(valueBytesMax))
      await expect(db.put('a', Buffer.alloc(valueBytesMax + 1))).rejects.toThrow(LimitExceededError)
    })
  }
})

test('transactionBytesMax: a transaction that writes more is refused', async () => {
  const put = (db: Database): Promise<void> =>
    db.transact((tx) => {
      for (let i = 0; i < 6; i++) tx.put(keyNumber(i), Buffer.alloc(KiB))
    })
  await withDatabase({ transactionBytesMax: 4 * KiB }, async (db) => {
    await expect(put(db)).rejects.toThrow(LimitExceededError)
    expect(await db.count()).toBe(0)
  })
  await withDatabase({ transactionBytesMax: 8 * KiB }, async (db) => {
    await put(db)
    expect(await db.count()).toBe(6)
  })
})

test('transactionsActiveMax: one more transaction than that cannot begin', async () => {
  for (const transactionsActiveMax of [3, 4]) {
    await withDatabase({ transactionsActiveMax }, async (db) => {
      const begun = Array.from({ length: transactionsActiveMax }, () => db.begin())
      expect(await refusalOf(() => db.begin())).toBeInstanceOf(LimitExceededError)
      begun[0]!.rollback()
      db.begin()
    })
  }
})

/** Pairs of a load that is under way until `end` is called, and then commits, or fails. */
function heldPairs(keys: readonly string[]): {
  pairs: AsyncGenerator<LoadPair>
  begun: Promise<void>
  end: (error?: Error) => void
} {
  let end: (error?: Error) => void = () => undefined
  let begin: () => void = () => undefined
  const begun = new Promise<void>((resolve) => (begin = resolve))
  const ended = new Promise<void>((resolve, reject) => {
    end = (error) => (error === undefined ? resolve() : reject(error))
  })
  async function* give(): AsyncGenerator<LoadPair> {
    for (const key of keys) yield [key, '1']
    begin()
    await ended
  }
  return { pairs: give(), begun, end: (error) => end(error) }
}

test('loadsActiveMax: one more load than that cannot begin, and each that ends makes room for one, however it ends', async () => {
  for (const loadsActiveMax of [1, 3]) {
    await withDatabase({ loadsActiveMax, durability: 'os' }, async (db) => {
      await db.put('taken', '1')
      const active = (): number => db.stats().transactions.loadsActive
      const hold = async (...keys: string[]): Promise<{ end: (error?: Error) => void; done: Promise<unknown> }> => {
        const { pairs, begun, end } = heldPairs(keys)
        const done = db.load(pairs).then(
          () => 'committed',
          (error: unknown) => error,
        )
        await begun
        return { end, done }
      }
      const others = await Promise.all(Array.from({ length: loadsActiveMax - 1 }, (_, i) => hold(`other ${i}`)))
      for (const outcome of ['committed', 'given up', 'not empty'] as const) {
        const last = await hold(...(outcome === 'not empty' ? ['tak', 'taken'] : [`${outcome} ${loadsActiveMax}`]))
        expect(active()).toBe(loadsActiveMax)
        const refusal = await refusalOf(() => db.load([['beyond', '1']]))
        expect(refusal).toBeInstanceOf(LimitExceededError)
        expect(refusal.message).toContain(`loadsActiveMax is ${loadsActiveMax}`)
        const gaveUp = new Error('of the application')
        last.end(outcome === 'given up' ? gaveUp : undefined)
        const ended = await last.done
        if (outcome === 'given up') expect(ended).toBe(gaveUp)
        else if (outcome === 'committed') expect(ended).toBe('committed')
        else expect(ended).toMatchObject({ code: 'INVALID_ARGUMENT' })
        // One place is free, once: neither none nor two.
        expect(active()).toBe(loadsActiveMax - 1)
      }
      for (const { end } of others) end()
      for (const { done } of others) expect(await done).toBe('committed')
      expect(active()).toBe(0)
      expect(await db.get('beyond')).toBeUndefined()
    })
  }
})

test('operationsPerTurnMax: after so many reads at once the event loop gets its turn', async () => {
  const readsInOneTurn = (operationsPerTurnMax: number): Promise<number> =>
    withMemory({ operationsPerTurnMax }, async (db) => {
      await db.put('a', '1')
      await turns(5)
      let isOver = false
      setImmediate(() => (isOver = true))
      let reads = 0
      for (; !isOver && reads < 1000; reads++) await db.get('a')
      return reads
    })
  expect(await readsInOneTurn(1)).toBeLessThan(5)
  const many = await readsInOneTurn(1000)
  expect(many).toBeGreaterThan(15)
})

/** A transaction that loses each time it runs, to a write that nothing but the gate can hold up; gives its attempts. */
function loseUntilLet(db: Database, others: Promise<unknown>[] = []): Promise<number> {
  return db.transact(async (tx) => {
    await tx.get('contested')
    others.push(db.put('contested', `before ${tx.attempt}`))
    tx.put('contested', 'mine')
    return tx.attempt
  })
}

test('attemptsMax: transact gives up after so many losses', async () => {
  for (const attemptsMax of [1, 4]) {
    await withDatabase({ attemptsMax, starvationLossesMax: 1_000_000, retryMsMax: 1 }, async (db) => {
      expect(await refusalOf(() => loseUntilLet(db))).toMatchObject({
        code: 'RETRIES_EXHAUSTED',
        attempts: attemptsMax,
      })
    })
  }
})

test('starvationLossesMax: after so many losses nothing can win against it any more', async () => {
  for (const starvationLossesMax of [1, 3]) {
    await withDatabase({ starvationLossesMax, gateLeaseMs: 3_600_000, retryMsMax: 1 }, async (db) => {
      const others: Promise<unknown>[] = []
      expect(await loseUntilLet(db, others)).toBe(starvationLossesMax + 1)
      await Promise.all(others)
    })
  }
})

/** Virtual milliseconds that 12 losses in a row take, pauses and all. */
function timeOfLosses(retryMsMin: number, retryMsMax: number): Promise<number> {
  return withMemory({ attemptsMax: 12, starvationLossesMax: 1_000_000, retryMsMin, retryMsMax }, async (db, runtime) => {
    const begunMs = runtime.clock.monotonicMs()
    expect(await refusalOf(() => loseUntilLet(db))).toBeInstanceOf(RetriesExhaustedError)
    return runtime.clock.monotonicMs() - begunMs
  }) // prettier-ignore
}

test('retryMsMin: it is the bound of the first pause between attempts', async () => {
  expect(await timeOfLosses(1, 1)).toBeLessThan(200)
  expect(await timeOfLosses(10_000, 10_000)).toBeGreaterThan(10_000)
})

test('retryMsMax: it is the bound to which pauses double', async () => {
  expect(await timeOfLosses(100, 100)).toBeLessThan(1_200)
  expect(await timeOfLosses(100, 3_600_000)).toBeGreaterThan(5_000)
})

test('labelCharsMax: a longer label is refused', async () => {
  for (const labelCharsMax of [5, 6]) {
    await withDatabase({ labelCharsMax }, async (db) => {
      expect(db.begin({ label: 'x'.repeat(labelCharsMax) }).label).toHaveLength(labelCharsMax)
      expect(await refusalOf(() => db.begin({ label: 'x'.repeat(labelCharsMax + 1) }))).toMatchObject({ code: 'INVALID_ARGUMENT' }) // prettier-ignore
    })
  }
})

test('pageRowsMax: a larger page is refused', async () => {
  for (const pageRowsMax of [10, 11]) {
    await withDatabase({ pageRowsMax }, async (db) => {
      expect(await refusalOf(() => db.scan().pages(pageRowsMax + 1))).toMatchObject({ code: 'INVALID_ARGUMENT' })
      for await (const page of db.scan().pages(pageRowsMax)) expect(page).toEqual([])
    })
  }
})

test('gateLeaseMs: whoever holds the gate for longer has others go on', async () => {
  const timeOfOther = (gateLeaseMs: number): Promise<number> =>
    withMemory({ gateLeaseMs, starvationLossesMax: 1 }, async (db, runtime) => {
      let otherAtMs = -1
      let isUnderGate = false
      const holder = db.transact(async (tx) => {
        await tx.get('contested')
        const other = db.put('contested', `${tx.attempt}`)
        if (tx.attempt === 1) await other
        else {
          isUnderGate = true
          const sinceMs = runtime.clock.monotonicMs()
          await other.then(() => (otherAtMs = runtime.clock.monotonicMs() - sinceMs))
        }
        if (tx.attempt < 3) tx.put('contested', 'mine')
      })
      await holder
      expect(isUnderGate).toBe(true)
      return otherAtMs
    })
  const [short, long] = [await timeOfOther(50), await timeOfOther(20_000)]
  expect(short).toBeGreaterThanOrEqual(50)
  expect(short).toBeLessThan(20_000)
  expect(long).toBeGreaterThanOrEqual(20_000)
})

test('snapshotAgeMsWarn: an event tells of what has been open for so long', async () => {
  for (const snapshotAgeMsWarn of [1_000, 10_000]) {
    const events: DatabaseEvent[] = []
    await withMemory(
      { snapshotAgeMsWarn },
      async (db, runtime) => {
        db.begin({ label: 'old' })
        runtime.advance(snapshotAgeMsWarn - 10)
        await turns(5)
        expect(events).toEqual([])
        runtime.advance(20)
        await turns(5)
        expect(events).toMatchObject([{ type: 'oldSnapshot', label: 'old' }])
      },
      { runtime: { clockJumps: false }, onEvent: (event) => events.push(event) },
    )
  }
})

test('readsPerTransactionMax: beyond it reads are registered as ranges, so that a neighbour can conflict', async () => {
  const outcome = (readsPerTransactionMax: number): Promise<unknown> =>
    withDatabase({ readsPerTransactionMax }, async (db) => {
      const [one, other] = [db.begin(), db.begin()]
      // The two would form a cycle if `one` had read what `other` writes; it has read only its neighbours.
      for (const key of ['a', 'c', 'e', 'g']) await one.get(key)
      await other.get('x')
      one.put('x', '1')
      other.put('d', '1')
      await one.commit()
      return other.commit().then(
        () => 'committed',
        (error: unknown) => (error as SerializationError).report.reason,
      )
    })
  expect(await outcome(100)).toBe('committed')
  expect(await outcome(2)).toBe('merged-range')
})

/** How much of 40 commits is kept whole, and how much only in summary, while an older transaction runs. */
function retainedWith(options: Readonly<Record<string, number>>): Promise<{ whole: number; summarized: number }> {
  return withDatabase({ durability: 'os', ...options }, async (db) => {
    const old = db.begin()
    await old.get('old')
    for (let i = 0; i < 40; i++) {
      await db.transact(async (tx) => {
        await tx.get(keyNumber(i + 1))
        tx.put(keyNumber(i), '1')
      })
    }
    const { commitsRetained, commitsSummarized } = db.stats().transactions
    old.rollback()
    await until(() => db.stats().transactions.commitsRetained === 0)
    return { whole: commitsRetained - commitsSummarized, summarized: commitsSummarized }
  })
}

test('registrationsMax: beyond it the oldest commits are kept in summary', async () => {
  expect((await retainedWith({ registrationsMax: 1_000_000 })).summarized).toBe(0)
  expect((await retainedWith({ registrationsMax: 20 })).summarized).toBeGreaterThan(0)
})

test('retainedExactMax: at most so many commits are kept whole, the others in summary', async () => {
  expect((await retainedWith({ retainedExactMax: 1000 })).summarized).toBe(0)
  const few = await retainedWith({ retainedExactMax: 5 })
  expect(few.summarized).toBeGreaterThan(0)
  expect(few.whole).toBeLessThanOrEqual(5)
})

test('retainedCommitsMax: beyond it the oldest transaction is too old', async () => {
  const outcome = (retainedCommitsMax: number): Promise<unknown> =>
    withDatabase({ retainedCommitsMax }, async (db) => {
      const old = db.begin()
      await old.get('old')
      for (let i = 0; i < 20; i++) await db.put(keyNumber(i), '1')
      old.put('mine', '1')
      await old.commit()
      return 'committed'
    }).catch((error: unknown) => (error as SerializationError).report.reason)
  expect(await outcome(100)).toBe('committed')
  expect(await outcome(4)).toBe('too-old')
})
