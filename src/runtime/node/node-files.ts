/**
 * Names and directories of the real file system.
 *
 * Everything created is for its owner only (0600, 0700). A directory is synced by opening it and syncing the descriptor;
 * Windows has no such call and makes names durable by itself (untried: no such machine was at hand).
 *
 * Pinned by test/contract/runtime.
 */
import fs, { promises } from 'node:fs'
import path from 'node:path'
import type { File, Files, FileStatus, IoThread, IoThreadMode, OpenMode } from '../runtime'
import { lockDirectory } from './directory-lock'
import { openThread } from './io-thread'
import { NodeFile } from './node-file'
import { isLinkImpossible, systemErrorCode, wrapSystemError } from './system-errors'

/** How `fs` is told. */
export const flagsByMode: Readonly<Record<OpenMode, string>> = { read: 'r', write: 'r+', create: 'wx+' }
/** The permissions of a created file. */
export const fileOwnerOnly = 0o600
const directoryOwnerOnly = 0o700

/** The file system of this machine; `workerFile` is the compiled thread entry, found beside the package if left out. */
export function createNodeFiles(options: { workerFile?: string | undefined }): Files {
  return {
    join: (...parts) => path.join(...parts),
    parent: (file) => path.dirname(path.resolve(file)),
    resolve: (file) => path.resolve(file),
    open,
    openSync,
    status,
    list: (directory) => attempt('list', directory, async () => (await promises.readdir(directory)).sort()),
    createDirectory: (directory) =>
      attempt('create directory', directory, () => promises.mkdir(directory, { mode: directoryOwnerOnly })),
    rename: (from, to) => attempt(`rename to "${path.basename(to)}" the file`, from, () => promises.rename(from, to)),
    link,
    remove: (file) => attempt('remove', file, () => promises.unlink(file)),
    removeDirectory: (directory) => attempt('remove directory', directory, () => promises.rmdir(directory)),
    syncDirectory,
    freeBytes: (directory) =>
      attempt('ask the free space of', directory, async () => {
        const stats = await promises.statfs(directory)
        return stats.bavail * stats.bsize
      }),
    lock: (directory, mode) => lockDirectory(directory, mode),
    openIoThread: (mode: IoThreadMode): Promise<IoThread> => openThread(mode, options.workerFile),
  }
}

function open(file: string, mode: OpenMode): Promise<File> {
  return new Promise((resolve, reject) => {
    fs.open(file, flagsByMode[mode], fileOwnerOnly, (error, descriptor) => {
      if (error === null) resolve(new NodeFile(file, descriptor))
      else reject(wrapSystemError({ operation: mode === 'create' ? 'create' : 'open', file }, error))
    })
  })
}

function openSync(file: string): File {
  try {
    return new NodeFile(file, fs.openSync(file, flagsByMode.read))
  } catch (error) {
    throw wrapSystemError({ operation: 'open', file }, error)
  }
}

async function status(file: string): Promise<FileStatus | undefined> {
  try {
    const stats = await promises.stat(file)
    const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : 'other'
    return { kind, size: stats.size }
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined
    throw wrapSystemError({ operation: 'look at', file }, error)
  }
}

async function link(from: string, to: string): Promise<boolean> {
  try {
    await promises.link(from, to)
    return true
  } catch (error) {
    if (isLinkImpossible(error)) return false
    throw wrapSystemError({ operation: `link to "${to}" the file`, file: from }, error)
  }
}

/** Never retried: a failed sync says nothing about what is on disk. */
async function syncDirectory(directory: string): Promise<void> {
  if (process.platform === 'win32') return
  await attempt('sync directory', directory, async () => {
    const handle = await promises.open(directory, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY)
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  })
}

async function attempt<T>(operation: string, file: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    throw wrapSystemError({ operation, file }, error)
  }
}
