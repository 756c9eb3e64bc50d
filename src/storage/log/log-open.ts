/**
 * Begins a log: its threads, its first segment, and the ties between the parts.
 *
 * Pinned by test/unit/storage/log/log.test.ts and log-supply.test.ts.
 */
import type { IoThread, Runtime } from '../../runtime/runtime'
import { Log } from './log'
import type { LogOptions } from './log-contract'
import { SegmentSupply } from './log-supply'

/** Prepares the first segment and starts the log's threads. Throws `DiskFullError`, `IoError`, whatever naming throws. */
export async function openLog(runtime: Runtime, options: LogOptions): Promise<Log> {
  // Both at once: a thread takes tens of milliseconds to come up.
  const threads = [options.ioMode, 'thread' as const].map((mode) => runtime.files.openIoThread(mode))
  const [commitThread, fillThread] = (await Promise.all(threads)) as [IoThread, IoThread]
  const { directory, limits, firstSegment, databaseMark, listener } = options
  let log: Log | undefined
  try {
    const supply = await SegmentSupply.open(runtime, fillThread, {
      ...{ directory, limits, firstSegment, databaseMark },
      nameSegment: (number) => listener.nameSegment(number),
      onChange: () => log?.onRoom(),
      onFailed: (cause) => log?.onPreparationFailed(cause),
    })
    log = new Log(runtime, options, { supply, commitThread, fillThread })
    return log
  } catch (error) {
    await commitThread.close()
    await fillThread.close()
    throw error
  }
}
