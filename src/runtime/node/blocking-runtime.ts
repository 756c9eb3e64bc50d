/**
 * The runtime of a background thread: the real one, but with files whose calls block.
 *
 * The calls keep the form of the door and are done when they return. What a merge or flush does not need is as in node-runtime.ts.
 * Pinned by test/unit/runtime/blocking-runtime.test.ts.
 */
import fs from 'node:fs'
import { assert } from '../../base/assert'
import type { File, Runtime } from '../runtime'
import { ioRequestError, performIoRequest } from './io-request'
import { NodeFile } from './node-file'
import { fileOwnerOnly, flagsByMode } from './node-files'
import { createNodeRuntime } from './node-runtime'
import { wrapSystemError } from './system-errors'

/** A runtime for a thread that has nothing else to do meanwhile. */
export function createBlockingRuntime(): Runtime {
  const runtime = createNodeRuntime()
  const open: Runtime['files']['open'] = async (path, mode) => {
    try {
      return blockingFile(new NodeFile(path, fs.openSync(path, flagsByMode[mode], fileOwnerOnly)))
    } catch (error) {
      throw wrapSystemError({ operation: mode === 'create' ? 'create' : 'open', file: path }, error)
    }
  }
  return { ...runtime, files: { ...runtime.files, open } }
}

const empty = new Uint8Array(0)

function blockingFile(file: NodeFile): File {
  const perform = (bytes: Uint8Array, position: number, sync: boolean): void => {
    assert(Number.isSafeInteger(position) && position >= 0, 'a position in a file is an integer that is not negative')
    const place = { offset: 0, length: bytes.length, position, sync }
    const outcome = performIoRequest(file.descriptor, bytes, place)
    const error = ioRequestError(outcome, { file: file.path, position, length: bytes.length })
    if (error !== undefined) throw error
  }
  return {
    path: file.path,
    read: async (target, offset, length, position) => file.readSync(target, offset, length, position),
    readSync: (target, offset, length, position) => file.readSync(target, offset, length, position),
    write: async (bytes, position) => perform(bytes, position, false),
    sync: async () => perform(empty, 0, true),
    size: () => file.size(),
    close: () => file.close(),
    closeSync: () => file.closeSync(),
  }
}
