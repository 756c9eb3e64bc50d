/**
 * The inline mode answers within the turn, but never for long: timers and I/O of the application get theirs.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createNodeRuntime } from '../../../src/runtime/node/node-runtime'
import type { File, IoThread } from '../../../src/runtime/runtime'

describe('the inline I/O thread', () => {
  const { files } = createNodeRuntime()
  let directory: string
  let thread: IoThread
  let file: File
  let memory: Uint8Array

  beforeEach(async () => {
    directory = mkdtempSync(path.join(os.tmpdir(), 'strictkv-inline-'))
    thread = await files.openIoThread('inline')
    file = await files.open(path.join(directory, 'log'), 'create')
    memory = thread.allocate(64)
  })
  afterEach(async () => {
    await thread.close()
    await file.close()
    rmSync(directory, { recursive: true })
  })

  const write = (): Promise<Error | undefined> =>
    new Promise((resolve) => thread.submit({ file, bytes: memory, position: 0, sync: false }, resolve))

  /** Runs `writes` of them, each after the last, while a clock shows `clock()`; how many turns came meanwhile. */
  const turnsOf = async (writes: number, clock: () => number): Promise<number> => {
    const now = jest.spyOn(performance, 'now').mockImplementation(clock)
    let turns = 0
    let isOver = false
    const countTurns = (): void => {
      turns++
      if (!isOver) setImmediate(countTurns)
    }
    setImmediate(countTurns)
    for (let index = 0; index < writes; index++) expect(await write()).toBeUndefined()
    isOver = true
    now.mockRestore()
    return turns
  }

  test('callbacks soon after a turn come within it, so that a lone caller does not pay for one each', async () => {
    expect(await turnsOf(200, () => 5)).toBeLessThanOrEqual(2)
  })

  test('once that has gone on for a millisecond, callbacks wait for a turn: timers and I/O of the application get theirs', async () => {
    let ms = 0
    expect(await turnsOf(200, () => (ms += 0.25))).toBeGreaterThanOrEqual(20)
  })
})
