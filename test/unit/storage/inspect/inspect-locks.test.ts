/** Who holds a directory: an open store, one that was closed, one that was killed, one whose LOCK says nothing. */
import { inspectLocks } from '../../../../src/storage/inspect/locks'
import { readLockOwner } from '../../../../src/runtime/node/lock-owner'
import { changed, DIRECTORY, openWorld, pathOf, put, reboot } from './inspect-world'

test('an open store is held, and LOCK names the process', async () => {
  const world = await openWorld()
  const report = await inspectLocks(world.runtime, DIRECTORY, readLockOwner)
  expect(report).toMatchObject({ isHeld: true, store: { isInUse: true }, file: `${DIRECTORY}/LOCK` })
  expect(report.owner).toMatchObject({ pid: expect.any(Number) as number, isThisHost: false, isAlive: undefined })
  expect(report.what).toMatch(/^held for writing by process \d+ on /)
})

test('a store that was closed is not held', async () => {
  const world = await openWorld()
  await world.commit(put('k', 'v'))
  await world.engine.close()
  const report = await inspectLocks(world.runtime, DIRECTORY, readLockOwner)
  expect(report.isHeld).toBe(false)
  expect(report.what).toContain('not held')
})

test('after a kill LOCK names who is gone, and nobody holds it', async () => {
  const world = await openWorld()
  const report = await inspectLocks(reboot(world.image()), DIRECTORY, readLockOwner)
  expect(report.isHeld).toBe(false)
  expect(report.owner).toBeDefined()
  expect(report.what).toContain('ended without closing the database')
})

test.each([
  ['nothing', ''],
  ['no JSON', 'hello'],
  ['too much', ' '.repeat(100_000)],
  ['a date that is none', '{"pid":1,"host":"h","token":"t","startMs":1e300}'],
])('a LOCK with %s in it names nobody', async (_, content) => {
  const world = await openWorld()
  const image = world.image()
  const runtime = reboot(changed(image, pathOf(image, 'LOCK'), () => Buffer.from(content)))
  expect(await inspectLocks(runtime, DIRECTORY, readLockOwner)).toMatchObject({ isHeld: false, owner: undefined })
})

test('without LOCK nobody holds it, and none is created', async () => {
  const world = await openWorld()
  const image = world.image()
  const runtime = reboot(changed(image, pathOf(image, 'LOCK'), () => undefined))
  expect(await inspectLocks(runtime, DIRECTORY, readLockOwner)).toMatchObject({ isHeld: false, file: undefined })
  expect(await runtime.files.list(DIRECTORY)).not.toContain('LOCK')
})
