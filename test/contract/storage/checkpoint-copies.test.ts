/**
 * The copies that checkpoints make: each is a store of its own, shares nothing with its origin but the bytes of tables, and has nothing in
 * doubt.
 */
import { createLimits } from '../../../src/base/limits'
import { CorruptionError } from '../../../src/base/errors'
import { readManifest } from '../../../src/storage/manifest/manifest-reader'
import { CRASH_LIMITS, rowsOf } from '../../crash/engine-scenario'
import { createMemoryRuntime } from '../../support/memory-runtime/memory-runtime'
import { del, put } from '../engine/engine-driver'
import { ORIGIN, Origin, expectCopy, openAt } from './checkpoint-origin'

describe('a copy is a store of its own', () => {
  test('it is written, merged, closed and copied again, and the origin goes on beside it', async () => {
    const origin = await Origin.open()
    const { runtime } = origin
    await origin.commit(put('a', '1'), put('b', '1'))
    await origin.engine.flush()
    await origin.commit(put('c', '2'))
    await origin.copyAt(2, '/copies/one')
    const copy = await openAt(runtime, '/copies/one', { create: false })
    copy.attach({ onPublished: () => undefined, onPoisoned: () => undefined, liveSnapshots: () => [] })
    await copy.reserve(100, false)
    copy.append([put('a', 'of the copy'), del('b')], 100, 3, 'sync')
    await copy.compact()
    const again = copy.pinCheckpoint(3)!
    await again.write('/copies/two', () => undefined)
    again.release()
    await copy.close()
    await expectCopy(runtime, '/copies/two', { sequence: 3, rows: ['a=of the copy', 'c=2'] })
    await origin.commit(put('a', 'of the origin'))
    expect(await rowsOf(origin.engine, 3)).toEqual(origin.journal.rowsAt(3))
    await origin.engine.close()
    const reopened = await openAt(runtime, ORIGIN, { create: false })
    expect(await rowsOf(reopened, 3)).toEqual(origin.journal.rowsAt(3))
    await reopened.close()
  })

  test('a segment of its origin in the place of its own is refused', async () => {
    const origin = await Origin.open()
    await origin.commit(put('a', '1'))
    await origin.copyAt(1, '/copies/one')
    await origin.engine.close()
    const { files } = origin.runtime.durableImage('everything')
    const named = (await readManifest(origin.runtime, '/copies/one'))!.state.segments
    expect(named.length).toBe(1)
    const own = `/copies/one/${String(named[0]).padStart(10, '0')}.log`
    const foreign = [...files].find(([path]) => path.startsWith(ORIGIN) && path.endsWith('.log'))!
    const bytes = Buffer.from(foreign[1])
    const swapped = new Map(files).set(own, bytes)
    const { directories } = origin.runtime.durableImage('everything')
    const mixed = createMemoryRuntime({ files: { directories, files: swapped } })
    await expect(openAt(mixed, '/copies/one', { create: false })).rejects.toThrow(CorruptionError)
  })

  test('a byte of its log that is damaged is told, the last one too: nothing in it was ever in doubt', async () => {
    const origin = await Origin.open()
    await origin.commit(put('a', '1'))
    await origin.commit(put('b', '2'))
    await origin.copyAt(2, '/copies/one')
    await origin.engine.close()
    const { directories, files } = origin.runtime.durableImage('everything')
    const [path, bytes] = [...files].find(([name]) => name.startsWith('/copies/one') && name.endsWith('.log'))!
    for (let at = 4096; at < bytes.length; at += 997) {
      const damaged = Buffer.from(bytes)
      damaged[at] = damaged[at]! ^ 1
      const runtime = createMemoryRuntime({ files: { directories, files: new Map(files).set(path, damaged) } })
      await expect(openAt(runtime, '/copies/one', { create: false })).rejects.toThrow(CorruptionError)
    }
  })

  test('it keeps what the manifest says of its tables: their codec, their levels, the numbers taken', async () => {
    const limits = createLimits({ ...CRASH_LIMITS, levelZeroTablesMax: 8 })
    // Nothing is at rest, and merged for that, while the clock stands still.
    const runtime = createMemoryRuntime({ seed: 3, clockJumps: false })
    const origin = await Origin.open({ limits, codec: 'deflate' }, runtime)
    for (const text of ['1', '2', '3']) {
      await origin.commit(put(`k${text}`, text.repeat(5000)))
      await origin.engine.flush()
    }
    const own = await readManifest(origin.runtime, ORIGIN)
    await origin.copyAt(3, '/copies/one')
    const copied = await readManifest(origin.runtime, '/copies/one')
    expect(copied!.state.tables.length).toBe(3)
    expect([...copied!.state.tables].sort((a, b) => a.number - b.number)).toEqual([...own!.state.tables].sort((a, b) => a.number - b.number)) // prettier-ignore
    expect(copied!.state.options.get('codec')).toBe('deflate')
    expect(copied!.state.options.get('database-mark')).not.toBe(own!.state.options.get('database-mark'))
    expect(copied!.state.nextFileNumber).toBeGreaterThan(Math.max(...copied!.state.tables.map(({ number }) => number)))
    await origin.engine.close()
  })
})
