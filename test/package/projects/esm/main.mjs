import assert from 'node:assert'
import { createRequire } from 'node:module'
import * as kv from 'strictkv'
import { open, SerializationError } from 'strictkv'

const required = createRequire(import.meta.url)('strictkv')
const imported = Object.keys(kv).filter((name) => name !== 'default' && name !== 'module.exports')
assert.deepStrictEqual(imported.sort(), Object.keys(required).sort())
assert.strictEqual(SerializationError, required.SerializationError)

const db = await open('./data')
await db.put('k', 'v')

// Write skew: each reads what the other writes, and only one may commit.
const [a, b] = [db.begin(), db.begin()]
await a.get('x')
await b.get('y')
a.put('y', '1')
b.put('x', '1')
await a.commit()
await assert.rejects(b.commit(), (error) => error instanceof SerializationError && error.report.cycle.length > 0)
assert.strictEqual((await db.get('k')).toString(), 'v')
await db.close()
console.log('imported, and skew refused')
