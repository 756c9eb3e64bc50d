/**
 * An open file over a descriptor of the operating system.
 *
 * Reads and writes loop until all bytes have moved: a short one is no error by itself, one that moves nothing is. EINTR
 * is retried for reads and writes. A sync is never retried here (libuv itself repeats one that a signal interrupted
 * before it failed or succeeded, which no caller can see). The asynchronous calls go through the shared thread pool;
 * commits do not come this way but through an I/O thread.
 *
 * Pinned by test/contract/runtime.
 */
import fs from 'node:fs'
import { assert } from '../../base/assert'
import type { File } from '../runtime'
import { noProgressError, systemErrorCode, wrapSystemError } from './system-errors'

/** The most that one system call is asked to move, in bytes; Linux moves 2 GiB less one page at most. */
const callBytesMax = 1024 * 1024 * 1024

/** A file of the real world. Its descriptor is valid in every thread of the process. */
export class NodeFile implements File {
  readonly path: string
  readonly #descriptor: number
  #isOpen = true
  #requestsPending = 0

  constructor(path: string, descriptor: number) {
    this.path = path
    this.#descriptor = descriptor
  }

  /** REQUIRES: the file is open. */
  get descriptor(): number {
    assert(this.#isOpen, 'a closed file is not used')
    return this.#descriptor
  }

  /** For I/O threads: a request on this file begins to wait. Its descriptor must stay ours until the request has ended. */
  beginRequest(): void {
    assert(this.#isOpen, 'a closed file is not used')
    this.#requestsPending++
  }

  /** For I/O threads: a request on this file has ended. */
  endRequest(): void {
    this.#requestsPending--
  }

  read(target: Uint8Array, offset: number, length: number, position: number): Promise<number> {
    const descriptor = this.descriptor
    assertRange(target, offset, length, position)
    if (length === 0) return Promise.resolve(0)
    return new Promise((resolve, reject) => {
      let done = 0
      const next = (): void => {
        const wanted = Math.min(length - done, callBytesMax)
        fs.read(descriptor, target, offset + done, wanted, position + done, (error, count) => {
          if (error !== null) {
            if (error.code === 'EINTR') next()
            else reject(wrapSystemError({ operation: 'read', file: this.path, offset: position + done }, error))
            return
          }
          done += count
          if (count === 0 || done === length) resolve(done)
          else next()
        })
      }
      next()
    })
  }

  readSync(target: Uint8Array, offset: number, length: number, position: number): number {
    const descriptor = this.descriptor
    assertRange(target, offset, length, position)
    let done = 0
    while (done < length) {
      try {
        const wanted = Math.min(length - done, callBytesMax)
        const count = fs.readSync(descriptor, target, offset + done, wanted, position + done)
        if (count === 0) break
        done += count
      } catch (error) {
        if (systemErrorCode(error) === 'EINTR') continue
        throw wrapSystemError({ operation: 'read', file: this.path, offset: position + done }, error)
      }
    }
    return done
  }

  write(bytes: Uint8Array, position: number): Promise<void> {
    const descriptor = this.descriptor
    assertRange(bytes, 0, bytes.length, position)
    if (bytes.length === 0) return Promise.resolve()
    return new Promise((resolve, reject) => {
      let done = 0
      const fail = (error: unknown): void =>
        reject(wrapSystemError({ operation: 'write', file: this.path, offset: position + done }, error))
      const next = (): void => {
        const wanted = Math.min(bytes.length - done, callBytesMax)
        fs.write(descriptor, bytes, done, wanted, position + done, (error, count) => {
          if (error !== null) {
            if (error.code === 'EINTR') next()
            else fail(error)
            return
          }
          if (count === 0) {
            fail(noProgressError(bytes.length - done))
            return
          }
          done += count
          if (done === bytes.length) resolve()
          else next()
        })
      }
      next()
    })
  }

  sync(): Promise<void> {
    const descriptor = this.descriptor
    return new Promise((resolve, reject) => {
      fs.fdatasync(descriptor, (error) => {
        if (error === null) resolve()
        else reject(wrapSystemError({ operation: 'sync', file: this.path }, error))
      })
    })
  }

  size(): Promise<number> {
    const descriptor = this.descriptor
    return new Promise((resolve, reject) => {
      fs.fstat(descriptor, (error, stats) => {
        if (error === null) resolve(stats.size)
        else reject(wrapSystemError({ operation: 'read the size of', file: this.path }, error))
      })
    })
  }

  close(): Promise<void> {
    this.#beginClose()
    // An error of close says nothing that a sync had not to say before, and the descriptor is gone either way.
    return new Promise((resolve) => {
      fs.close(this.#descriptor, () => resolve())
    })
  }

  closeSync(): void {
    this.#beginClose()
    try {
      fs.closeSync(this.#descriptor)
    } catch {
      // As with close: the descriptor is gone, and nothing is to be learnt from the error.
    }
  }

  #beginClose(): void {
    assert(this.#isOpen, 'a file is closed once')
    // Its number may be another file's in a moment: a request still waiting would write into that one.
    assert(this.#requestsPending === 0, 'a file is closed after the requests of I/O threads on it have ended')
    this.#isOpen = false
  }
}

function assertRange(bytes: Uint8Array, offset: number, length: number, position: number): void {
  assert(Number.isSafeInteger(position) && position >= 0, 'a position in a file is an integer that is not negative')
  assert(
    Number.isInteger(offset) && Number.isInteger(length) && offset >= 0 && length >= 0,
    'an offset and a length are integers that are not negative',
  )
  assert(offset + length <= bytes.length, 'the bytes to move lie inside the memory given')
}
