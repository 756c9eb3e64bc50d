/**
 * The end of a log when its store is closed: its exact end is recorded, and files that nobody needs go.
 *
 *     last group synced -> edit {exact end, clean, where all is in tables: no segment needed} synced -> segments removed
 *
 * Pinned by test/unit/storage/log/log-at-rest.test.ts, test/unit/storage/opening.test.ts and test/crash.
 */
import type { Log } from './log'
import type { Manifest } from '../manifest/manifest'

/** The commits are safe whatever fails here: then the next open recovers, and removes what was left behind. */
export async function endLog(
  log: Log,
  manifest: Manifest,
  state: { readonly isAllInTables: boolean; readonly isPoisoned: () => boolean },
): Promise<void> {
  const isDropped = state.isAllInTables && log.chain.isLarge
  const end = await log.close()
  if (end === undefined || state.isPoisoned()) return
  const firstSegment = isDropped ? { firstSegment: manifest.state.nextSegment } : {}
  try {
    await manifest.apply({ logEnd: { end, clean: true }, ...firstSegment })
    if (isDropped) await log.chain.dropAll()
  } catch {
    // A failure of the manifest has been reported by itself.
  }
}
