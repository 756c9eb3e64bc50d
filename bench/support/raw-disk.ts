/**
 * The raw limit of the disk: 4 KiB written and synced, one after the other, into a file filled with zeros before.
 *
 * Three ways of doing it, since durable commits can only be compared with the way that they go themselves: the store's own
 * I/O thread (the very one that its log uses), inline on the calling thread, and the runtime's shared thread pool.
 */
import fs from 'node:fs'
import { open as openFile } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import path from 'node:path'
import { createNodeRuntime } from '../../src/runtime/node/node-runtime'
import type { File, IoThread } from '../../src/runtime/runtime'

/** How the raw write and sync are done. */
export type RawMode = 'thread' | 'inline' | 'pool'

const FILE_BYTES = 16 * 1024 * 1024
const WRITE_BYTES = 4096

/** One file and the ways of writing into it. */
export class RawDisk {
  readonly #file: File
  readonly #handle: FileHandle
  readonly #thread: IoThread
  readonly #memory: Uint8Array
  #position = 0

  private constructor(parts: { file: File; handle: FileHandle; thread: IoThread }) {
    this.#file = parts.file
    this.#handle = parts.handle
    this.#thread = parts.thread
    this.#memory = parts.thread.allocate(WRITE_BYTES).fill(0x5a)
  }

  /** Fills a file in `directory` with zeros and starts the thread. Throws where no thread can be started. */
  static async open(directory: string): Promise<RawDisk> {
    const name = path.join(directory, `raw-${process.pid}`)
    fs.writeFileSync(name, Buffer.alloc(FILE_BYTES))
    const { files } = createNodeRuntime()
    const handle = await openFile(name, 'r+')
    await handle.sync()
    const thread = await files.openIoThread('thread')
    if (thread.mode !== 'thread') throw new Error('Cannot measure the disk: no I/O thread can be started; build first')
    return new RawDisk({ file: await files.open(name, 'write'), handle, thread })
  }

  /** Writes and syncs per second, over at least `ms` milliseconds; without the sync if `sync` is false. */
  async rate(mode: RawMode, ms: number, sync = true): Promise<number> {
    const sinceMs = performance.now()
    let count = 0
    let elapsedMs = 0
    if (mode === 'thread') count = await this.#countInThread(sinceMs + ms, sync)
    else {
      for (; elapsedMs < ms; count++) {
        if (mode === 'inline') this.#writeInline(sync)
        else await this.#writeThroughPool(sync)
        elapsedMs = performance.now() - sinceMs
      }
    }
    return (count * 1000) / (performance.now() - sinceMs)
  }

  /** As the log does it: the next request is submitted in the callback of the one before. */
  #countInThread(untilMs: number, sync: boolean): Promise<number> {
    return new Promise((resolve, reject) => {
      let count = 0
      const submit = (): void => {
        const request = { file: this.#file, bytes: this.#memory, position: this.#nextPosition(), sync }
        this.#thread.submit(request, (error) => {
          count++
          if (error !== undefined) reject(error)
          else if (performance.now() < untilMs) submit()
          else resolve(count)
        })
      }
      submit()
    })
  }

  #writeInline(sync: boolean): void {
    fs.writeSync(this.#handle.fd, this.#memory, 0, WRITE_BYTES, this.#nextPosition())
    if (sync) fs.fdatasyncSync(this.#handle.fd)
  }

  async #writeThroughPool(sync: boolean): Promise<void> {
    await this.#handle.write(this.#memory, 0, WRITE_BYTES, this.#nextPosition())
    if (sync) await this.#handle.datasync()
  }

  #nextPosition(): number {
    const position = this.#position
    this.#position = (position + WRITE_BYTES) % FILE_BYTES
    return position
  }

  async close(): Promise<void> {
    await this.#thread.close()
    await this.#file.close()
    await this.#handle.close()
    fs.rmSync(this.#file.path)
  }
}
