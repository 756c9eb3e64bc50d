/** Tables of a checkpoint: linked where that can be, else copied and synced. */
import { CorruptionError, IoError } from '../../../../src/base/errors'
import { linkOrCopy } from '../../../../src/storage/checkpoint/table-copy'
import type { Injection } from '../../../support/memory-runtime/io-calls'
import { createMemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import type { MemoryRuntime } from '../../../support/memory-runtime/memory-runtime'

const BYTES = 2_500_000

async function worldWith(link: Injection | undefined): Promise<MemoryRuntime> {
  const runtime = createMemoryRuntime({ seed: 1, inject: ({ operation }) => (operation === 'link' ? link : undefined) })
  const file = await runtime.files.open('/table', 'create')
  await file.write(Buffer.alloc(BYTES).map((_, at) => (at * 7 + (at >> 9)) & 255), 0) // prettier-ignore
  await file.sync()
  await file.close()
  return runtime
}

const durable = async (runtime: MemoryRuntime, path: string): Promise<Uint8Array | undefined> => {
  await runtime.files.syncDirectory('/')
  return runtime.durableImage('synced-only').files.get(path)
}
const paths = { from: '/table', to: '/copy', bytes: BYTES }
const wanted = (): void => undefined

test('is a link where links can be had, and nothing is copied', async () => {
  const runtime = await worldWith(undefined)
  const before = runtime.usedBytes
  expect(await linkOrCopy(runtime, paths, wanted)).toEqual({ bytes: BYTES, isLinked: true })
  expect(runtime.usedBytes).toBe(before)
  expect(await durable(runtime, '/copy')).toEqual(await durable(runtime, '/table'))
})

test.each(['EXDEV', 'EPERM', 'ENOTSUP', 'EMLINK'] as const)(
  'is a synced copy where a link is impossible (%s)',
  async (code) => {
    const runtime = await worldWith(code)
    const before = runtime.usedBytes
    expect(await linkOrCopy(runtime, paths, wanted)).toEqual({ bytes: BYTES, isLinked: false })
    expect(runtime.usedBytes).toBe(before + BYTES)
    expect(await durable(runtime, '/copy')).toEqual(await durable(runtime, '/table'))
  },
)

test('fails where a link fails for another reason, and copies nothing', async () => {
  const runtime = await worldWith('EIO')
  await expect(linkOrCopy(runtime, paths, wanted)).rejects.toThrow(IoError)
  expect(await runtime.files.list('/')).toEqual(['table'])
})

test('fails where the file is not as long as it was', async () => {
  const runtime = await worldWith('EXDEV')
  const copying = linkOrCopy(runtime, { ...paths, bytes: BYTES + 1 }, wanted)
  await expect(copying).rejects.toThrow(CorruptionError)
  await expect(copying).rejects.toThrow(`it has ${BYTES} bytes, and had ${BYTES + 1}`)
})

test('ends between two slices when it is not wanted any more, with both files closed', async () => {
  const runtime = await worldWith('EXDEV')
  let checks = 0
  const checkWanted = (): void => {
    if (++checks === 2) throw new Error('not wanted')
  }
  await expect(linkOrCopy(runtime, paths, checkWanted)).rejects.toThrow('not wanted')
  expect((await runtime.files.status('/copy'))?.size).toBe(1024 * 1024)
  const opened = runtime.calls.filter(({ operation }) => operation === 'open' || operation === 'create').length
  expect(runtime.calls.filter(({ operation }) => operation === 'close').length).toBe(opened)
})
