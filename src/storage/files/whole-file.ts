/**
 * Reading and writing small files whole, each closed whatever happens.
 *
 * Pinned by test/unit/storage/manifest/manifest.test.ts.
 */
import type { File, Runtime } from '../../runtime/runtime'

/** All bytes of a file. Throws `IoError`, also where there is none. */
export async function readWholeFile(runtime: Runtime, path: string): Promise<Buffer> {
  return withFile(await runtime.files.open(path, 'read'), async (file) => {
    const bytes = Buffer.alloc(await file.size())
    let at = 0
    while (at < bytes.length) {
      const read = await file.read(bytes, at, bytes.length - at, at)
      if (read === 0) break
      at += read
    }
    return bytes.subarray(0, at)
  })
}

/** Creates a file with `bytes` and syncs it; its directory is the caller's to sync. Throws `IoError`, `DiskFullError`. */
export async function createWholeFile(runtime: Runtime, path: string, bytes: Uint8Array): Promise<void> {
  await withFile(await runtime.files.open(path, 'create'), async (file) => {
    await file.write(bytes, 0)
    await file.sync()
  })
}

/** Removes a file if it can be: what stays behind is an orphan that the next open removes. */
export async function removeQuietly(runtime: Runtime, path: string): Promise<void> {
  try {
    await runtime.files.remove(path)
  } catch {
    // Nothing refers to the file any more: whether its name is gone now or at the next open changes no answer.
  }
}

async function withFile<T>(file: File, use: (file: File) => Promise<T>): Promise<T> {
  try {
    return await use(file)
  } finally {
    await file.close()
  }
}
