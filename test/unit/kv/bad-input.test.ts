/**
 * Every public call against every wrong type: a typed error, at the call or as its rejection, with the data as before.
 */
import { InvalidArgumentError, StrictKvError } from '../../../src/base/errors'
import { createFixture, rowsOf } from './fixture'

const NO_BYTES: readonly [string, unknown][] = [
  ['undefined', undefined],
  ['null', null],
  ['a number', 42],
  ['a bigint', 42n],
  ['true', true],
  ['an array', ['a']],
  ['an object', { key: 'a' }],
  ['an object without a prototype', Object.create(null)],
  ['a symbol', Symbol('a')],
  ['a function', () => 'a'],
  ['an ArrayBuffer', new ArrayBuffer(1)],
  ['a DataView', new DataView(new ArrayBuffer(1))],
  ['other numbers', new Uint16Array(1)],
  ['a lone surrogate', 'a\ud800'],
  ['the other half', '\udc00a'],
]
const NO_OPTIONS = NO_BYTES.filter(
  ([name]) => !/^(undefined|an object|other numbers|an ArrayBuffer|a DataView)/.test(name),
)
const NO_FUNCTION = NO_BYTES.filter(([name]) => name !== 'a function')
const NO_ARRAY = NO_BYTES.filter(([name]) => name !== 'an array')

type Call = (fixture: Fixture, wrong: never) => unknown
type Fixture = Awaited<ReturnType<typeof prepare>>

async function prepare() {
  const { db, store } = createFixture()
  await db.put('kept', 'as it was')
  return { db, store, tx: db.begin(), snapshot: await db.snapshot() }
}

const CALLS: readonly [string, readonly (readonly [string, unknown])[], Call][] = [
  ['db.get(key)', NO_BYTES, ({ db }, key) => db.get(key)],
  ['db.getSync(key)', NO_BYTES, ({ db }, key) => db.getSync(key)],
  ['db.getMany([key])', NO_BYTES, ({ db }, key) => db.getMany(['a', key])],
  ['db.getMany(keys)', NO_ARRAY, ({ db }, keys) => db.getMany(keys)],
  ['db.put(key)', NO_BYTES, ({ db }, key) => db.put(key, 'v')],
  ['db.put(value)', NO_BYTES, ({ db }, value) => db.put('k', value)],
  ['db.put(options)', NO_OPTIONS, ({ db }, options) => db.put('k', 'v', options)],
  ['db.delete(key)', NO_BYTES, ({ db }, key) => db.delete(key)],
  ['db.delete(options)', NO_OPTIONS, ({ db }, options) => db.delete('k', options)],
  ['db.scan(options)', NO_OPTIONS, ({ db }, options) => db.scan(options)],
  ['db.scan({ gte })', NO_BYTES.slice(1), ({ db }, gte) => db.scan({ gte })],
  ['db.scan({ prefix })', NO_BYTES.slice(1), ({ db }, prefix) => db.scan({ prefix })],
  ['db.keys(options)', NO_OPTIONS, ({ db }, options) => db.keys(options)],
  ['db.values(options)', NO_OPTIONS, ({ db }, options) => db.values(options)],
  ['db.count(options)', NO_OPTIONS, ({ db }, options) => db.count(options)],
  ['db.begin(options)', NO_OPTIONS, ({ db }, options) => db.begin(options)],
  ['db.begin({ label })', NO_BYTES.slice(1, 12), ({ db }, label) => db.begin({ label })],
  ['db.begin({ isolation })', NO_BYTES.slice(1), ({ db }, isolation) => db.begin({ isolation })],
  ['db.transact(fn)', NO_FUNCTION, ({ db }, fn) => db.transact(fn)],
  ['db.transact(options)', NO_OPTIONS, ({ db }, options) => db.transact(() => 1, options)],
  ['db.snapshot(options)', NO_OPTIONS, ({ db }, options) => db.snapshot(options)],
  ['db.compact(bounds)', NO_OPTIONS, ({ db }, bounds) => db.compact(bounds)],
  ['db.compact({ gte })', NO_BYTES.slice(1), ({ db }, gte) => db.compact({ gte })],
  ['tx.get(key)', NO_BYTES, ({ tx }, key) => tx.get(key)],
  ['tx.getSync(key)', NO_BYTES, ({ tx }, key) => tx.getSync(key)],
  ['tx.getMany([key])', NO_BYTES, ({ tx }, key) => tx.getMany([key])],
  ['tx.getMany(keys)', NO_ARRAY, ({ tx }, keys) => tx.getMany(keys)],
  ['tx.has(key)', NO_BYTES, ({ tx }, key) => tx.has(key)],
  ['tx.getForUpdate(key)', NO_BYTES, ({ tx }, key) => tx.getForUpdate(key)],
  ['tx.put(key)', NO_BYTES, ({ tx }, key) => tx.put(key, 'v')],
  ['tx.put(value)', NO_BYTES, ({ tx }, value) => tx.put('k', value)],
  ['tx.delete(key)', NO_BYTES, ({ tx }, key) => tx.delete(key)],
  ['tx.deleteRange(bounds)', [...NO_OPTIONS, ['undefined', undefined]], ({ tx }, bounds) => tx.deleteRange(bounds)],
  ['tx.deleteRange({ lt })', NO_BYTES.slice(1), ({ tx }, lt) => tx.deleteRange({ lt })],
  ['tx.scan(options)', NO_OPTIONS, ({ tx }, options) => tx.scan(options)],
  ['tx.keys(options)', NO_OPTIONS, ({ tx }, options) => tx.keys(options)],
  ['tx.values(options)', NO_OPTIONS, ({ tx }, options) => tx.values(options)],
  ['tx.count(options)', NO_OPTIONS, ({ tx }, options) => tx.count(options)],
  ['tx.onCommit(fn)', NO_FUNCTION, ({ tx }, fn) => tx.onCommit(fn)],
  [
    'tx.scan().pages(rows)',
    NO_BYTES.slice(1).filter(([name]) => name !== 'a number'),
    ({ tx }, rows) => tx.scan().pages(rows),
  ],
  ['snapshot.get(key)', NO_BYTES, ({ snapshot }, key) => snapshot.get(key)],
  ['snapshot.getSync(key)', NO_BYTES, ({ snapshot }, key) => snapshot.getSync(key)],
  ['snapshot.getMany(keys)', NO_ARRAY, ({ snapshot }, keys) => snapshot.getMany(keys)],
  ['snapshot.has(key)', NO_BYTES, ({ snapshot }, key) => snapshot.has(key)],
  ['snapshot.scan(options)', NO_OPTIONS, ({ snapshot }, options) => snapshot.scan(options)],
  ['snapshot.count(options)', NO_OPTIONS, ({ snapshot }, options) => snapshot.count(options)],
]

/** Calls that report by a rejection, never by a throw. */
const PROMISING = /^(db\.(get|getMany|put|delete|count|transact|snapshot|compact)|tx\.(get|getMany|has|getForUpdate|count)|snapshot\.(get|getMany|has|count))\(/ // prettier-ignore

test.each(CALLS)('%s refuses what it cannot use', async (name, wrongs, call) => {
  const fixture = await prepare()
  for (const [what, wrong] of wrongs) {
    let caught: unknown
    let threw = false
    try {
      const answer = call(fixture, wrong as never)
      expect(answer).toBeInstanceOf(Promise)
      await (answer as Promise<unknown>)
    } catch (error) {
      caught = error
      threw = true
    }
    if (!threw) throw new Error(`${name} took ${what}`)
    if (!(caught instanceof InvalidArgumentError)) throw new Error(`${name} of ${what}: ${String(caught)}`)
    expect(caught).toBeInstanceOf(StrictKvError)
    expect(caught).toMatchObject({ code: 'INVALID_ARGUMENT', retryable: false })
    expect(caught.message).toMatch(/^Cannot .+: .+/)
  }
  if (PROMISING.test(name)) expect(() => void (call(fixture, Symbol('wrong') as never) as Promise<unknown>).catch(() => 0)).not.toThrow() // prettier-ignore
  expect(fixture.tx.state).toBe('open')
  await fixture.tx.commit()
  expect(await rowsOf(fixture.db.scan())).toEqual(['kept=as it was'])
  fixture.store.checkInvariants()
  await fixture.db.close()
})
