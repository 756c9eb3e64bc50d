import type { File } from '../../../../src/runtime/runtime'
import { SteadyFile } from '../../../../src/storage/files/steady-file'
import { createMemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import type { MemoryRuntime } from '../../../support/memory-runtime/memory-runtime'

interface World {
  readonly runtime: MemoryRuntime
  readonly file: File
  /** What the disk was asked to do with the file, in order: 'write <position>+<length>' or 'sync'. */
  readonly calls: () => string[]
}

async function create(pieceBytes: number): Promise<World> {
  const runtime = createMemoryRuntime({ seed: 1 })
  const file = new SteadyFile(await runtime.files.open('/f', 'create'), pieceBytes)
  const calls = (): string[] =>
    runtime.calls
      .filter(({ operation }) => operation === 'write' || operation === 'sync')
      .map(({ operation, position, length }) => (operation === 'sync' ? 'sync' : `write ${position}+${length}`))
  return { runtime, file, calls }
}

const bytes = (length: number): Buffer => Buffer.from(Array.from({ length }, (_, i) => i & 0xff))

async function contentOf(file: File): Promise<Buffer> {
  const target = Buffer.alloc((await file.size()) + 1)
  return target.subarray(0, await file.read(target, 0, target.length, 0))
}

describe('a file that is synced as it grows', () => {
  test('never has more than a piece waiting for the disk, however it is written', async () => {
    const { file, calls } = await create(100)
    await file.write(bytes(60), 0)
    await file.write(bytes(30), 60)
    expect(calls()).toEqual(['write 0+60', 'write 60+30'])
    await file.write(bytes(250), 90)
    expect(calls().slice(2)).toEqual(['write 90+10', 'sync', 'write 100+100', 'sync', 'write 200+100', 'sync', 'write 300+40']) // prettier-ignore
    expect(await contentOf(file)).toEqual(Buffer.concat([bytes(60), bytes(30), bytes(250)]))
    await file.close()
  })

  test('a sync by hand begins a new piece; what fits into one is not synced by itself', async () => {
    const { file, calls } = await create(100)
    await file.write(bytes(99), 0)
    await file.sync()
    await file.write(bytes(99), 99)
    expect(calls()).toEqual(['write 0+99', 'sync', 'write 99+99'])
    await file.close()
  })

  test('the failure of a piece is the failure of the write that reached it, and nothing is tried again', async () => {
    const { runtime, file, calls } = await create(100)
    runtime.inject = (call) => (call.operation === 'sync' ? 'EIO' : undefined)
    await expect(file.write(bytes(350), 0)).rejects.toMatchObject({ name: 'IoError', operation: 'sync', file: '/f' })
    expect(calls()).toEqual(['write 0+100', 'sync'])
    await file.close()
  })
})
