'use strict'
const assert = require('node:assert')
const kv = require('strictkv')

async function main() {
  const db = await kv.open('./data')
  const total = await db.transact(async (tx) => {
    tx.put('alice', 'on')
    tx.put(Buffer.from('bob'), Buffer.from('off'))
    return (await tx.get('alice')).toString()
  })
  assert.strictEqual(total, 'on')
  const tx = db.begin()
  const rows = []
  for await (const [key, value] of tx.scan({ gte: 'a', lt: 'c' })) rows.push(`${key}=${value}`)
  assert.deepStrictEqual(rows, ['alice=on', 'bob=off'])
  await tx.commit()
  await assert.rejects(tx.get('alice'), kv.TransactionClosedError)
  await db.close()

  const again = await kv.open('./data')
  assert.ok(Buffer.isBuffer(await again.get('bob')))
  assert.strictEqual((await again.get('bob')).toString(), 'off')
  assert.strictEqual(await again.get('carol'), undefined)
  await again.close()
  console.log('committed and read back')
}

main().catch((error) => {
  console.error(error)
  process.exitCode = 1
})
