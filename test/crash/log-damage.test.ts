/**
 * A log cut and flipped on a real directory, at a sample of places; every byte: npx ts-node test/crash/log-damage-campaign.ts
 */
import { makeImage } from './log-damage-image'
import type { Image } from './log-damage-image'
import type { SweepOptions } from './log-damage-sweep'
import { sweepCuts, sweepFlips, witnessedFrames } from './log-damage-sweep'

const READING: SweepOptions = { opening: 'reading', contentStride: 19, paddingStride: 509 }
const EVERYDAY: SweepOptions = { opening: 'everyday', contentStride: 67, paddingStride: 2049 }
const GROUPS = 6

let copied: Image
let closed: Image
beforeAll(async () => {
  copied = await makeImage({ groups: GROUPS, close: false })
  closed = await makeImage({ groups: GROUPS, close: true })
})

test('the log under test has several segments, and groups of several commits', () => {
  for (const image of [copied, closed]) {
    expect(new Set(image.frames.map((frame) => frame.file)).size).toBeGreaterThan(1)
    expect(Math.max(...image.frames.map((frame) => frame.commits))).toBeGreaterThan(1)
  }
})

test.each(['truncated', 'zeros'] as const)(
  'with its tail cut (%s) the database opens without help and holds everything before the cut frame',
  async (form) => {
    expect(await sweepCuts(copied, { ...READING, form, lastFrames: 4 })).toBeGreaterThan(30)
    expect(await sweepCuts(copied, { ...EVERYDAY, form, lastFrames: 2 })).toBeGreaterThan(5)
  },
)

test('while it is open, a flipped byte in any frame but the last group is refused by file and offset, nothing changed', async () => {
  const frames = witnessedFrames(copied, false)
  expect(frames.length).toBeGreaterThan(GROUPS - 2)
  expect(await sweepFlips(copied, frames, READING)).toBeGreaterThan(100)
  expect(await sweepFlips(copied, frames, EVERYDAY)).toBeGreaterThan(20)
})

test('after a clean close a flipped byte in any frame, the last one too, is refused by file and offset, nothing changed', async () => {
  const frames = witnessedFrames(closed, true)
  expect(frames.at(-1)!.sequence).toBe(closed.lastSequence)
  expect(await sweepFlips(closed, frames, READING)).toBeGreaterThan(100)
  expect(await sweepFlips(closed, frames, EVERYDAY)).toBeGreaterThan(20)
})

test('the sweep sees a loss: a flip that is taken for a torn tail fails it', async () => {
  // Without the frame behind it, nothing bears witness to the last group: damage to it is a torn tail.
  const lastGroup = copied.frames.filter((frame) => frame.commits > 0).at(-1)!
  const files = new Map(copied.files)
  const bytes = Buffer.from(files.get(lastGroup.file)!)
  bytes.fill(0, lastGroup.offset + lastGroup.bytes)
  files.set(lastGroup.file, bytes)
  await expect(sweepFlips({ ...copied, files }, [lastGroup], EVERYDAY)).rejects.toThrow(
    new RegExp(`flipped .*: opened with sequence ${lastGroup.sequence - lastGroup.commits}`),
  )
})
