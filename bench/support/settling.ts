/**
 * Waiting until a database is at rest: nothing frozen waits for its flush, and no table has changed for a while.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Database } from 'strictkv'

const LOOK_MS = 100
/** Looks without a change after which it counts as at rest. */
const QUIET_LOOKS = 20

/** Resolves when background work has ended. Throws where it fails for good. */
export async function settle(db: Database): Promise<void> {
  let before = ''
  for (let quiet = 0; quiet < QUIET_LOOKS;) {
    await delay(LOOK_MS)
    const { storage } = db.stats()
    if (storage.poisoned !== undefined) throw storage.poisoned
    const { memtablesFrozen, flushes, compactions, levels, compactionBytesRead, compactionBytesWritten } = storage
    const now = JSON.stringify([memtablesFrozen, flushes, compactions, levels, compactionBytesRead, compactionBytesWritten]) // prettier-ignore
    quiet = now === before && memtablesFrozen === 0 ? quiet + 1 : 0
    before = now
  }
}
