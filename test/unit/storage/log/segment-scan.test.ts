import { segmentFileName } from '../../../../src/storage/log/log-format'
import { SegmentScan } from '../../../../src/storage/log/segment-scan'
import { createMemoryRuntime } from '../../../support/memory-runtime/memory-runtime'
import { finishedLog } from './log-images'
import type { FinishedLog } from './log-images'
import { DIRECTORY } from './log-world'

let log: FinishedLog
beforeAll(async () => {
  log = await finishedLog({ groups: 6, perGroup: 2, close: true })
})

/** The offsets of the frames with commits of a segment, of a disk that was changed. */
async function scan(
  number: number,
  change: (bytes: Uint8Array) => Uint8Array | undefined = () => undefined,
  mark?: number,
): Promise<{ offsets: number[]; scan: SegmentScan }> {
  const path = `${DIRECTORY}/${segmentFileName(number)}`
  const bytes = log.image.files.get(path)!.slice()
  const files = new Map(log.image.files).set(path, change(bytes) ?? bytes)
  const runtime = createMemoryRuntime({ seed: 1, files: { ...log.image, files } })
  const scanned = await SegmentScan.open(runtime, path, { number, mark })
  const offsets: number[] = []
  for (let frame = await scanned.next(); frame !== undefined; frame = await scanned.next()) {
    if (frame.header.commits > 0) offsets.push(frame.header.offset)
  }
  await scanned.close()
  return { offsets, scan: scanned }
}

function framesOf(number: number): number[] {
  return log.frames.filter(({ segment }) => segment === number).map(({ offset }) => offset)
}

describe('a scan of a log segment', () => {
  it('finds every frame of a sound one', async () => {
    const number = log.frames[0]!.segment
    const found = await scan(number)
    expect(found.scan.headerProblem).toBeUndefined()
    expect(found.offsets.length).toBeGreaterThan(1)
    expect(found.offsets).toEqual(framesOf(number).filter((offset) => found.offsets.includes(offset)))
  })

  it('goes on behind a damaged frame', async () => {
    const number = log.frames[0]!.segment
    const { offsets } = await scan(number)
    const damaged = await scan(number, (bytes) => ((bytes[offsets[1]! + 80]! ^= 1), undefined))
    expect(damaged.offsets).toEqual(offsets.filter((offset) => offset !== offsets[1]))
  })

  it('takes the nonce from the frames where the header is damaged', async () => {
    const number = log.frames[0]!.segment
    const { offsets, scan: sound } = await scan(number)
    const damaged = await scan(number, (bytes) => ((bytes[21]! ^= 1), undefined))
    expect(damaged.scan.headerProblem).toMatchObject({ offset: 0 })
    expect(damaged.offsets).toEqual(offsets)
    expect(damaged.scan.mark).toBe(sound.mark)
  })

  it('finds nothing in a segment of another database, or under another number', async () => {
    const number = log.frames[0]!.segment
    const { scan: sound } = await scan(number)
    const foreign = await scan(number, undefined, sound.mark! ^ 1)
    expect(foreign.offsets).toEqual([])
    expect(foreign.scan.headerProblem!.what).toContain('another database')
  })

  it.each([0, 100, 4096, 4200])('reads a segment that was cut at %i', async (length) => {
    const found = await scan(log.frames[0]!.segment, (bytes) => bytes.slice(0, length))
    expect(found.offsets).toEqual([])
  })
})
