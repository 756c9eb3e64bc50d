/** A look inside the log: what it lists of a store with known contents, where it ends and why, and what damage looks like. */
import { InvalidArgumentError } from '../../../../src/base/errors'
import { readManifest } from '../../../../src/storage/manifest/manifest-reader'
import {
  decodeFrameHeader, decodeSegmentHeader, encodeFrame, FRAME_HEADER_BYTES, SEGMENT_HEADER_BYTES,
} from '../../../../src/storage/log/log-format' // prettier-ignore
import { inspectWal } from '../../../../src/storage/inspect/wal'
import type { WalItem } from '../../../../src/storage/inspect/wal'
import type { DurableImage } from '../../../support/memory-runtime/durable-image'
import { changed, DIRECTORY, flip, listed, ofKind, openWorld, pathOf, put, reboot, remove, removeRange, text } from './inspect-world' // prettier-ignore

const look = (image: DurableImage, entries = false): Promise<WalItem[]> =>
  listed(inspectWal(reboot(image), DIRECTORY, { entries }))

/** Three commits, one group each; closed or killed. */
async function threeCommits(end: 'closed' | 'killed'): Promise<DurableImage> {
  const world = await openWorld()
  await world.commit(put('alice', 'on call'), remove('bob'))
  await world.commit(removeRange('c', 'd'), removeRange('x'))
  await world.commit(put('alice', Buffer.alloc(5000, 'v')))
  if (end === 'closed') await world.engine.close()
  return world.image()
}

const endOf = (items: readonly WalItem[]): unknown => items.at(-1)

test('a log that was killed is listed frame by frame, and ends behind the last one', async () => {
  const image = await threeCommits('killed')
  const items = await look(image)
  expect(items[0]).toEqual({ kind: 'store', directory: DIRECTORY, isInUse: false, manifest: '0000000001.manifest' })
  const [segment] = ofKind(items, 'segment')
  expect(segment).toMatchObject({ number: 1, fileBytes: 64 * 1024, standing: 'named' })
  expect(segment!.nonce).toMatch(/^[0-9a-f]{16}$/)
  expect(ofKind(items, 'frame')).toMatchObject([
    { segment: 1, offset: 4096, ordinal: 0, frameBytes: 4096, commits: 1, firstSequence: 1, lastSequence: 1, isContinuous: true }, // prettier-ignore
    { segment: 1, offset: 8192, ordinal: 1, frameBytes: 4096, commits: 1, firstSequence: 2, lastSequence: 2, isContinuous: true }, // prettier-ignore
    { segment: 1, offset: 12288, ordinal: 2, frameBytes: 8192, commits: 1, firstSequence: 3, promise: { segment: 1, offset: 12288 } }, // prettier-ignore
  ])
  expect(ofKind(items, 'stretch')).toEqual([
    { kind: 'stretch', segment: 1, offset: 20480, stretchBytes: 64 * 1024 - 20480, isBlank: true },
  ])
  expect(ofKind(items, 'damage')).toEqual([])
  expect(endOf(items)).toMatchObject({ kind: 'end', verdict: 'open', segment: 1, offset: 20480, lastSequence: 3 })
})

test('every commit and entry is listed where that is asked for', async () => {
  const items = await look(await threeCommits('killed'), true)
  expect(ofKind(items, 'commit').map(({ sequence, entries }) => [sequence, entries])).toEqual([[1, 2], [2, 2], [3, 1]]) // prettier-ignore
  const entries = ofKind(items, 'entry').map(({ sequence, entry, key, end, valueBytes }) => [sequence, entry, text(key), text(end), valueBytes]) // prettier-ignore
  expect(entries).toEqual([
    [1, 'put', 'alice', undefined, 7],
    [1, 'delete', 'bob', undefined, undefined],
    [2, 'delete range', 'c', 'd', undefined],
    [2, 'delete range', 'x', undefined, undefined],
    [3, 'put', 'alice', undefined, 5000],
  ])
})

test('a log that was closed ends where the manifest says, without a doubt', async () => {
  const items = await look(await threeCommits('closed'))
  expect(endOf(items)).toMatchObject({ verdict: 'closed', lastSequence: 3 })
  expect(ofKind(items, 'frame').at(-1)).toMatchObject({ commits: 0 })
})

test('a torn tail is no damage; a frame that a later one relied on is', async () => {
  const image = await threeCommits('killed')
  const path = pathOf(image, '.log')
  const torn = await look(changed(image, path, flip(12288 + 100)))
  expect(ofKind(torn, 'damage')).toEqual([])
  expect(ofKind(torn, 'stretch')).toMatchObject([{ offset: 12288, isBlank: false }])
  expect(endOf(torn)).toMatchObject({ verdict: 'torn', offset: 12288, lastSequence: 2 })

  const damaged = await look(changed(image, path, flip(8192 + 100)))
  expect(ofKind(damaged, 'frame').map(({ offset, isContinuous }) => [offset, isContinuous])).toEqual([[4096, true], [12288, false]]) // prettier-ignore
  expect(ofKind(damaged, 'stretch')[0]).toMatchObject({ offset: 8192, stretchBytes: 4096, isBlank: false })
  expect(ofKind(damaged, 'damage')).toMatchObject([{ file: path, offset: 8192 }])
  expect(endOf(damaged)).toMatchObject({ verdict: 'damaged' })
})

test('a segment whose header is damaged is named, its frames are listed all the same, and the others', async () => {
  const world = await openWorld()
  for (let i = 1; i <= 20; i++) await world.commit(put(`k${i}`, Buffer.alloc(6000, 'v')))
  const image = world.image()
  const whole = await look(image)
  const numbers = ofKind(whole, 'segment').map(({ number }) => number)
  expect(numbers.length).toBeGreaterThan(1)
  expect(endOf(whole)).toMatchObject({ verdict: 'open', lastSequence: 20 })
  const items = await look(changed(image, pathOf(image, `${numbers[0]!}.log`), flip(16)))
  expect(ofKind(items, 'segment').map(({ number }) => number)).toEqual(numbers.slice(1))
  expect(ofKind(items, 'damage').map(({ offset }) => offset)).toEqual([0])
  expect(endOf(items)).toMatchObject({ verdict: 'damaged' })
  expect(ofKind(items, 'frame')).toEqual(ofKind(whole, 'frame'))
  const isOfFirst = ({ segment }: { segment: number }): boolean => segment === numbers[0]
  expect(ofKind(items, 'frame').filter(isOfFirst).length).toBeGreaterThan(2)
  const commits = ofKind(await look(image, true), 'commit')
  const path = pathOf(image, `${numbers[0]!}.log`)
  expect(ofKind(await look(changed(image, path, flip(16)), true), 'commit')).toEqual(commits)
})

test('a file whose header is damaged shows no frames of another segment or another database', async () => {
  const image = await threeCommits('killed')
  const path = pathOf(image, '1.log')
  const orphan = path.replace(/\d{10}\.log$/, '0000000077.log')
  const copy = flip(16)(Buffer.from(image.files.get(path)!))
  const renamed = await look({ ...image, files: new Map([...image.files, [orphan, copy]]) })
  expect(ofKind(renamed, 'damage')).toMatchObject([{ file: orphan, offset: 0 }])
  expect(ofKind(renamed, 'frame')).toEqual(ofKind(await look(image), 'frame'))
  // A frame that says of itself that it is of another database.
  const foreign = await look(
    changed(image, path, (bytes) => {
      const header = decodeSegmentHeader(bytes)
      if (header.kind !== 'valid') throw new Error('the header is valid')
      const frame = bytes.subarray(SEGMENT_HEADER_BYTES)
      const decoded = decodeFrameHeader(frame, { header, offset: SEGMENT_HEADER_BYTES, fileBytes: bytes.length })!
      const nonce = { ...header.nonce, high: (header.nonce.high ^ 1) >>> 0 }
      encodeFrame({ ...decoded, nonce }, frame.subarray(0, decoded.frameBytes))
      return flip(16)(bytes)
    }),
  )
  expect(ofKind(foreign, 'frame')).toEqual(ofKind(await look(image), 'frame').slice(1).map((frame, i) => (i === 0 ? { ...frame, isContinuous: true } : frame))) // prettier-ignore
})

test('a segment that should be there is missed, and one that nobody needs is an orphan', async () => {
  const image = await threeCommits('killed')
  const path = pathOf(image, '1.log')
  const items = await look(changed(image, path, () => undefined))
  expect(ofKind(items, 'damage')[0]!.what).toContain('missing')
  expect(endOf(items)).toMatchObject({ verdict: 'damaged' })

  const closed = await threeCommits('closed')
  const { state } = (await readManifest(reboot(closed), DIRECTORY))!
  const standings = ofKind(await look(closed), 'segment').map(({ number, standing }) => [number, standing])
  // The segment that was prepared and never needed is there, but the manifest may not name it.
  for (const [number, standing] of standings) expect(standing).toBe(state.segments.includes(number as number) ? 'named' : 'orphan') // prettier-ignore
  const orphan = path.replace(/\d{10}\.log$/, '0000000077.log')
  const items77 = await look({ ...closed, files: new Map([...closed.files, [orphan, closed.files.get(path)!]]) })
  // It says that it is another segment: its bytes do not belong under that name.
  expect(ofKind(items77, 'damage')).toMatchObject([{ file: orphan, offset: 0 }])
})

test('a malformed commit in a frame that verifies is named', async () => {
  const image = await threeCommits('killed')
  const broken = changed(image, pathOf(image, '.log'), (bytes) => {
    const header = decodeSegmentHeader(bytes)
    if (header.kind !== 'valid') throw new Error('the header is valid')
    const place = { header, offset: SEGMENT_HEADER_BYTES, fileBytes: bytes.length }
    const frame = bytes.subarray(SEGMENT_HEADER_BYTES, SEGMENT_HEADER_BYTES + 4096)
    const decoded = decodeFrameHeader(frame, place)!
    frame.writeUInt32LE(9, FRAME_HEADER_BYTES + 4)
    encodeFrame(decoded, frame)
    return bytes
  })
  const items = await look(broken, true)
  expect(ofKind(items, 'damage')[0]).toMatchObject({ offset: SEGMENT_HEADER_BYTES + FRAME_HEADER_BYTES })
  expect(ofKind(items, 'frame')).toHaveLength(3)
  expect(endOf(items)).toMatchObject({ verdict: 'damaged' })
})

test('without a manifest that can be read frames are listed all the same', async () => {
  const image = await threeCommits('killed')
  const items = await look(changed(image, pathOf(image, 'CURRENT'), flip(3)))
  expect(items[0]).toMatchObject({ manifest: undefined })
  expect(ofKind(items, 'segment')).toMatchObject([{ standing: 'unknown' }])
  expect(ofKind(items, 'frame')).toHaveLength(3)
  expect(ofKind(items, 'damage')).toMatchObject([{ file: `${DIRECTORY}/CURRENT` }])
  expect(endOf(items)).toMatchObject({ verdict: 'unknown' })
})

test('an open store is looked at as it is, and says so', async () => {
  const world = await openWorld()
  await world.commit(put('k', 'v'))
  const items = await listed(inspectWal(world.runtime, DIRECTORY))
  expect(items[0]).toMatchObject({ isInUse: true })
  expect(endOf(items)).toMatchObject({ verdict: 'open', lastSequence: 1 })
  await world.commit(put('k', 'w'))
  await world.engine.close()
  expect(endOf(await look(world.image()))).toMatchObject({ verdict: 'closed', lastSequence: 2 })
})

test('what is no store is refused', async () => {
  const runtime = reboot({ directories: ['/empty'], files: new Map([['/file', new Uint8Array(3)]]) })
  for (const path of ['/empty', '/file', '/nowhere', '/file/below']) {
    await expect(listed(inspectWal(runtime, path))).rejects.toThrow(InvalidArgumentError)
  }
})
