import { IoError } from '../../../../src/base/errors'
import { FileWindow } from '../../../../src/storage/files/file-window'
import { TestFile } from '../table/table-world'

function fileOf(bytes: number): TestFile {
  const file = new TestFile()
  file.bytes = Buffer.from(Array.from({ length: bytes }, (_, i) => (i * 7 + (i >> 8)) & 0xff))
  return file
}

/** Lets the disk refuse every read that touches a byte. */
function spoil(file: TestFile, badAt: number): void {
  const read = file.read.bind(file)
  file.read = (target, offset, length, position) => {
    const isBad = position <= badAt && badAt < position + length
    return isBad
      ? Promise.reject(new IoError('Cannot read', 'read', file.path, undefined))
      : read(target, offset, length, position)
  }
}

describe('a window over a file', () => {
  it('gives what the file has, wherever it is asked, and fewer bytes at its end alone', async () => {
    const file = fileOf(700_000)
    const window = new FileWindow(file, 700_000)
    for (const [offset, length] of [
      [0, 10],
      [262_140, 8],
      [300_000, 290_000],
      [0, 4],
      [699_996, 100],
      [800_000, 4],
    ] as const) {
      expect(Buffer.compare(await window.bytesAt(offset, length), file.bytes.subarray(offset, offset + length))).toBe(0)
    }
  })

  it('reads little by little what is asked for little by little', async () => {
    const file = fileOf(400_000)
    const window = new FileWindow(file, 400_000)
    for (let at = 0; at < 400_000; at += 4000) await window.bytesAt(at, 4000)
    expect(file.reads).toBeLessThan(4)
    expect(window.loaded(399_000, 1000)).toBeDefined()
    expect(window.loaded(0, 4)).toBeUndefined()
  })

  it('loses by a bad sector what lies on it, and nothing before and behind', async () => {
    const file = fileOf(4000)
    spoil(file, 1000)
    const window = new FileWindow(file, 4000)
    expect((await window.bytesAt(0, 800)).length).toBe(800)
    await expect(window.bytesAt(900, 200)).rejects.toThrow(IoError)
    expect(Buffer.compare(await window.bytesAt(1004, 100), file.bytes.subarray(1004, 1104))).toBe(0)
  })
})
