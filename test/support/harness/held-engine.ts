/**
 * Any engine with publishing held back by hand, so that decided and published differ for as long as a test wants.
 *
 * The engine below publishes when it will; what is above sees only what `publishThrough` has let through. To the engine
 * below, the sequence shown as published counts as one that something reads at, so nothing it needs is dropped.
 */
import type { Sequence } from '../../../src/base/sequence'
import type { Engine, EngineListener } from '../../../src/storage/engine'

/** The engine as it is, and the hand that publishes. */
export interface HeldEngine extends Engine {
  /** Makes everything through `sequence` durable below and publishes it above, in one synchronous step. */
  publishThrough(sequence: Sequence): void
}

/** Holds what `inner` publishes. */
export function holdPublishing(inner: Engine): HeldEngine {
  let listener: EngineListener | undefined
  let published = inner.publishedSequence
  const publishThrough = (sequence: Sequence): void => {
    if (sequence <= published) return
    if (inner.publishedSequence < sequence) inner.publishSync()
    published = sequence
    listener?.onPublished(sequence)
  }
  return {
    get recoveredSequence() {
      return inner.recoveredSequence
    },
    get publishedSequence() {
      return published
    },
    get poisoned() {
      return inner.poisoned
    },
    attach(given) {
      listener = given
      inner.attach({
        onPublished: () => undefined,
        onPoisoned: (cause) => given.onPoisoned(cause),
        *liveSnapshots() {
          yield* given.liveSnapshots()
          yield published
        },
      })
    },
    get: (key, sequence) => inner.get(key, sequence),
    getSync: (key, sequence) => inner.getSync(key, sequence),
    openCursor: (range, sequence, reverse) => inner.openCursor(range, sequence, reverse),
    reserve: (bytes, deletesOnly) => inner.reserve(bytes, deletesOnly),
    unreserve: (bytes) => inner.unreserve(bytes),
    append: (batch, bytes, sequence, durability) => inner.append(batch, bytes, sequence, durability),
    publishSync() {
      inner.publishSync()
      publishThrough(inner.publishedSequence)
    },
    beginLoad: () => inner.beginLoad(),
    pinCheckpoint: (sequence) => inner.pinCheckpoint(sequence),
    sync: () => inner.sync(),
    flush: () => inner.flush(),
    compact: () => inner.compact(),
    history: (key, options) => inner.history(key, options),
    stats: () => inner.stats(),
    close: () => inner.close(),
    publishThrough,
  }
}
