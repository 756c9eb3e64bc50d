/**
 * The inside of an I/O thread: waits in shared memory for one request after the other and carries each out blocking.
 *
 * It sleeps in `Atomics.wait` at once (looking for the next request for a while first made every figure worse on two
 * cores: docs/decisions/0005-who-syncs.md), so it costs nothing while idle and never runs an event loop of its own. Its mailbox
 * (memory it may be asked to write from) is read without one, by `receiveMessageOnPort`.
 *
 * Pinned by test/unit/runtime/io-thread.test.ts.
 */
import { parentPort, receiveMessageOnPort } from 'node:worker_threads'
import { assert, present } from '../../base/assert'
import { createIoControl, ioProtocolVersion, word } from './io-control'
import type { IoControl, IoThreadData, IoThreadMemory, IoThreadReady } from './io-control'
import { performIoRequest } from './io-request'

/** Serves requests until told to stop. Blocks the calling thread for good. */
export function serveIoThread(data: IoThreadData): void {
  const port = present(parentPort ?? undefined, 'an I/O thread is started as a worker')
  const control = createIoControl(data.control)
  const ready: IoThreadReady = { ready: ioProtocolVersion }
  port.postMessage(ready)
  if (data.version !== ioProtocolVersion) return
  // Whatever ends this thread, a caller that blocks on the answer must learn of it.
  const end = (): void => {
    Atomics.store(control.words, word.ended, 1)
    Atomics.notify(control.words, word.done)
  }
  process.once('exit', end)
  const memories = new Map<number, Uint8Array>()
  let mailRead = 0
  // Both counters wrap like the 32-bit words they are compared with.
  for (let served = 0; ; served = (served + 1) | 0) {
    while (Atomics.load(control.words, word.requested) === served) {
      Atomics.wait(control.words, word.requested, served)
    }
    if (Atomics.load(control.words, word.stop) === 1) return
    for (; mailRead !== Atomics.load(control.words, word.posted); mailRead = (mailRead + 1) | 0) {
      const mail = present(receiveMessageOnPort(port), 'counted mail is there').message as IoThreadMemory
      memories.set(mail.identity, new Uint8Array(mail.memory))
    }
    serve(control, memories)
    Atomics.add(control.words, word.done, 1)
    Atomics.notify(control.words, word.done)
  }
}

function serve(control: IoControl, memories: ReadonlyMap<number, Uint8Array>): void {
  const { words, position, times } = control
  const length = words[word.length]!
  const bytes = length === 0 ? empty : memories.get(words[word.memory]!)
  assert(bytes !== undefined, 'memory is known to the thread before it is used')
  const outcome = performIoRequest(words[word.descriptor]!, bytes, {
    offset: words[word.offset]!,
    length,
    position: position[0]!,
    sync: words[word.sync] === 1,
  })
  words[word.outcomeEnd] = outcome.end
  words[word.outcomeErrno] = outcome.errno
  words[word.outcomeWritten] = outcome.written
  times[0] = outcome.times.writeMs
  times[1] = outcome.times.syncMs
}

const empty = new Uint8Array(0)
