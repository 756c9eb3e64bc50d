/**
 * Gives a table's file a second name in another directory; where that cannot be, copies it, and syncs the copy.
 *
 * A link costs nothing and takes no space: the file of a table never changes. So it shares what may happen to its bytes, too.
 * Pinned by test/unit/storage/checkpoint/table-copy.test.ts.
 */
import { CorruptionError } from '../../base/errors'
import type { File, Runtime } from '../../runtime/runtime'

/** Bytes copied at a time; the caller may end it between two. */
const SLICE_BYTES = 1024 * 1024

/** How a table came there. */
export interface TableCopy {
  readonly bytes: number
  readonly isLinked: boolean
}

/**
 * Links or copies `from`, which has `bytes`, to `to`. `checkWanted` may end it by throwing. Throws `CorruptionError` if the file is
 * shorter or longer by now, `IoError`, `DiskFullError`.
 */
export async function linkOrCopy(
  runtime: Runtime,
  paths: { readonly from: string; readonly to: string; readonly bytes: number },
  checkWanted: () => void,
): Promise<TableCopy> {
  const { from, to, bytes } = paths
  if (await runtime.files.link(from, to)) return { bytes, isLinked: true }
  const source = await runtime.files.open(from, 'read')
  try {
    const target = await runtime.files.open(to, 'create')
    try {
      const copied = await copyBytes(source, target, checkWanted)
      if (copied !== bytes) throw wrongSize(from, copied, bytes)
      await target.sync()
      return { bytes, isLinked: false }
    } finally {
      await target.close()
    }
  } finally {
    await source.close()
  }
}

async function copyBytes(source: File, target: File, checkWanted: () => void): Promise<number> {
  const slice = Buffer.allocUnsafeSlow(SLICE_BYTES)
  let at = 0
  for (;;) {
    checkWanted()
    const count = await source.read(slice, 0, slice.length, at)
    if (count === 0) return at
    await target.write(slice.subarray(0, count), at)
    at += count
  }
}

function wrongSize(path: string, copied: number, bytes: number): CorruptionError {
  return new CorruptionError(`Cannot copy ${path}: it has ${copied} bytes, and had ${bytes}`, path, Math.min(copied, bytes)) // prettier-ignore
}
