/**
 * A salvage judges a log by reading it as opening would, and reads it again to take its commits. Where the disk failed between the two
 * looks, at opening the last segment or in its last frames, the commits there were missing, and the report called itself complete.
 */
import { createLimits } from '../../src/base/limits'
import { salvageStore } from '../../src/storage/salvage/salvage'
import { openLsmDatabase } from '../support/harness/lsm-database'
import { createMemoryRuntime } from '../support/memory-runtime/memory-runtime'

test.each(['open', 'read'] as const)(
  'commits of a sound log whose second %s fails are told as lost',
  async (operation) => {
    const first = createMemoryRuntime({ seed: 1 })
    const db = await openLsmDatabase(first, '/db')
    await db.put('a', '1')
    await db.put('b', '2')
    await db.close()
    const disk = first.durableImage('everything')
    const places = { directory: '/db', target: '/saved' }
    const sound = createMemoryRuntime({ seed: 1, files: disk })
    const whole = await salvageStore(sound, places, { limits: createLimits() })
    expect(whole).toMatchObject({ complete: true, rows: 2, sequence: 2 })

    const openings = sound.calls.filter((call) => call.operation === 'open' && call.path.endsWith('.log'))
    const from = openings.at(-1)!.index
    const failing = createMemoryRuntime({
      seed: 1,
      files: disk,
      // Everything from the last look on: a read that fails is tried again in smaller pieces.
      inject: (call) =>
        call.index >= from && call.operation === operation && call.path.endsWith('.log') ? 'EIO' : undefined,
    })
    const report = await salvageStore(failing, places, { limits: createLimits() })
    expect(report).toMatchObject({ complete: false, rows: 0, sequence: 2 })
    expect(report.losses).toContainEqual(expect.objectContaining({ sequences: { first: 1, last: 2 } }))
  },
)
