/**
 * A disk that failed under the last write of a salvage, the seal of its manifest, was reported as a defect of the package (an
 * `InvariantError` with its stack) instead of as what the disk had said.
 */
import { createLimits } from '../../src/base/limits'
import { salvageStore } from '../../src/storage/salvage/salvage'
import { openLsmDatabase } from '../support/harness/lsm-database'
import { createMemoryRuntime } from '../support/memory-runtime/memory-runtime'

test('a salvage whose last write fails says what the disk has said, and leaves nothing', async () => {
  const runtime = createMemoryRuntime({ seed: 1 })
  const db = await openLsmDatabase(runtime, '/db')
  await db.put('a', '1')
  await db.close()
  const places = { directory: '/db', target: '/saved' }
  const disk = runtime.durableImage('everything')
  const writesOf = (world: typeof runtime): number[] =>
    world.calls
      .filter(({ operation, path }) => operation === 'write' && path.startsWith('/saved'))
      .map(({ index }) => index)
  const first = createMemoryRuntime({ seed: 1, files: disk })
  await salvageStore(first, places, { limits: createLimits() })
  const last = writesOf(first).at(-1)!
  const second = createMemoryRuntime({
    seed: 1,
    files: disk,
    inject: ({ index }) => (index === last ? 'EIO' : undefined),
  })
  await expect(salvageStore(second, places, { limits: createLimits() })).rejects.toMatchObject({ code: 'IO' })
  expect(await second.files.status('/saved')).toBeUndefined()
})
