/** A group as it fills: its payload, its memory. */
import { createMemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import { decodeBatch } from '../../../../src/storage/rows/batch-codec'
import { batchBytes } from '../../../../src/storage/engine'
import { FRAME_HEADER_BYTES } from '../../../../src/storage/log/log-format'
import { LogGroup } from '../../../../src/storage/log/log-group'
import { deleteBatch, putBatch } from './log-world'

async function newGroup(): Promise<LogGroup> {
  return new LogGroup(await createMemoryRuntime().files.openIoThread('thread'))
}

test('holds its commits one behind the other and knows the last one', async () => {
  const group = await newGroup()
  for (const sequence of [5, 6, 7]) group.add(putBatch(sequence), batchBytes(putBatch(sequence)), sequence, 'os')
  expect(group).toMatchObject({ commits: 3, lastSequence: 7, wantsSync: false })
  let at = FRAME_HEADER_BYTES
  for (const sequence of [5, 6, 7]) {
    const decoded = decodeBatch(group.frame, at, FRAME_HEADER_BYTES + group.payloadBytes)!
    expect(Buffer.from(decoded.batch[0]!.value!)).toEqual(putBatch(sequence)[0]!.value)
    at = decoded.next
  }
  expect(at).toBe(FRAME_HEADER_BYTES + group.payloadBytes)
})

test('one commit that asks for a sync asks for the whole group', async () => {
  const group = await newGroup()
  group.add(deleteBatch(1), batchBytes(deleteBatch(1)), 1, 'os')
  group.add(deleteBatch(2), batchBytes(deleteBatch(2)), 2, 'sync')
  group.add(deleteBatch(3), batchBytes(deleteBatch(3)), 3, 'os')
  expect(group.wantsSync).toBe(true)
  group.clear()
  expect(group).toMatchObject({ commits: 0, payloadBytes: 0, wantsSync: false })
})

test('grows for large commits, keeps what it held, and gives the memory back', async () => {
  const group = await newGroup()
  const before = group.frame.length
  const large = putBatch(2, 5 * 1024 * 1024)
  group.add(putBatch(1), batchBytes(putBatch(1)), 1, 'sync')
  group.add(large, batchBytes(large), 2, 'sync')
  const first = decodeBatch(group.frame, FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + group.payloadBytes)!
  expect(Buffer.from(first.batch[0]!.value!)).toEqual(putBatch(1)[0]!.value)
  const second = decodeBatch(group.frame, first.next, FRAME_HEADER_BYTES + group.payloadBytes)!
  expect(Buffer.from(second.batch[0]!.value!).equals(large[0]!.value!)).toBe(true)
  group.clear()
  expect(group.frame.length).toBe(before)
})

test('leaves room for the padding of its frame, wherever in a page it begins', async () => {
  const group = await newGroup()
  while (group.payloadBytes < group.frame.length - 16_000) {
    group.add(putBatch(1, 4000), batchBytes(putBatch(1, 4000)), 1, 'sync')
    expect(group.frame.length - FRAME_HEADER_BYTES - group.payloadBytes).toBeGreaterThanOrEqual(4096)
  }
})
