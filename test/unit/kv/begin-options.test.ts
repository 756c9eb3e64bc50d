/**
 * What `begin` accepts, and what its options mean: isolation, durability, readers, and the number of open transactions.
 */
import { InvalidArgumentError, LimitExceededError, SerializationError } from '../../../src/base/errors'
import { createFixture, fill } from './fixture'

test.each<[string, unknown, RegExp]>([
  ['an unknown option', { readonly: true }, /did you mean "readOnly"/],
  ['attempts, which are of transact', { attemptsMax: 3 }, /there is none of that name/],
  ['readOnly of the wrong type', { readOnly: 'no' }, /as readOnly/],
  ['deferrable of the wrong type', { deferrable: 1 }, /as deferrable/],
  ['an unknown isolation', { isolation: 'read committed' }, /must be 'serializable' or 'snapshot'/],
  ['an unknown durability', { durability: 'disk' }, /must be 'sync' or 'os'/],
  ['a label that is too long', { label: 'x'.repeat(300) }, /labelCharsMax is 256/],
  ['a deferrable writer', { deferrable: true, readOnly: false }, /a deferrable transaction only reads/],
  ['a deferrable snapshot', { deferrable: true, isolation: 'snapshot' }, /it waits for serializability/],
])('%s is refused', (_, options, message) => {
  const { db, store } = createFixture()
  expect(() => db.begin(options as never)).toThrow(InvalidArgumentError)
  expect(() => db.begin(options as never)).toThrow(message)
  expect(store.stats().transactionsActive).toBe(0)
})

test('write skew is possible under snapshot isolation, and only there', async () => {
  for (const isolation of ['snapshot', 'serializable'] as const) {
    const { db } = createFixture()
    await fill(db, { alice: 'on', bob: 'on' })
    const [one, other] = [db.begin({ isolation }), db.begin({ isolation })]
    for (const tx of [one, other]) expect(String(await tx.get('alice')) + String(await tx.get('bob'))).toBe('onon')
    one.put('alice', 'off')
    other.put('bob', 'off')
    await one.commit()
    if (isolation === 'snapshot') await other.commit()
    else await expect(other.commit()).rejects.toThrow(SerializationError)
  }
})

test('the report of an abort names the transactions by their labels and the keys by their bytes', async () => {
  const { db, events } = createFixture()
  const [winner, loser] = [db.begin({ label: 'winner' }), db.begin({ label: 'loser' })]
  await Promise.all([winner.get('a'), loser.get('b')])
  winner.put('b', '1')
  await loser.get('a')
  loser.put('a', '1')
  await winner.commit()
  const error: unknown = await loser.commit().catch((caught: unknown) => caught)
  expect(error).toMatchObject({
    code: 'SERIALIZATION',
    retryable: true,
    report: { victim: { label: 'loser' }, reason: 'cycle', conservative: false },
  })
  const { report, message } = error as SerializationError
  expect(
    report.cycle.map(({ from, to, kind, key }) => `${from.label!} ${kind} ${to.label!} ${String(key)}`).sort(),
  ).toEqual(['loser rw winner b', 'winner rw loser a'])
  expect(message).toMatch(/loser.*"b".*winner/)
  expect(events).toEqual([{ type: 'abort', report, message }])
})

test('the durability of a transaction is its own', async () => {
  const { db } = createFixture()
  const tx = db.begin({ durability: 'os' })
  tx.put('a', '1')
  expect(await tx.commit()).toMatchObject({ durable: false })
})

test('beyond transactionsActiveMax a begin is refused, and works again after an end', () => {
  const { db } = createFixture({ limits: { transactionsActiveMax: 2 } })
  const [first] = [db.begin(), db.begin()]
  expect(() => db.begin()).toThrow(LimitExceededError)
  expect(() => db.begin()).toThrow(/transactionsActiveMax is 2/)
  first.rollback()
  db.begin().rollback()
})
