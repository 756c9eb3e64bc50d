const { open } = require('strictkv')

test('a store under a jest without configuration', async () => {
  const db = await open('./data')
  await db.put('k', 'v')
  expect((await db.get('k')).toString()).toBe('v')
  await db.close()
})
