/**
 * Where a log ends and why, as recovery itself judges it: the same reader, over the same files, with nothing applied.
 *
 * A process that has the database open goes on writing while this reads: what looks like damage then may be a group on its way. So it is
 * judged again, and believed only where it is found twice at the same place.
 *
 * Pinned by test/unit/storage/inspect/inspect-wal.test.ts.
 */
import { CorruptionError } from '../../base/errors'
import type { Sequence } from '../../base/sequence'
import type { Runtime } from '../../runtime/runtime'
import type { RecoveredLog } from '../log/log-contract'
import { replayLog } from '../log/log-reader'
import type { ManifestState } from '../manifest/manifest-state'
import { databaseMarkOf } from '../manifest/database-mark'
import type { DamageItem, Picture } from './picture'
import { takePicture, toDamage } from './picture'

/** Where the log ends; the last item of its list. */
export interface WalEndItem {
  readonly kind: 'end'
  /**
   * 'closed': where the manifest says that `close` left it. 'open': nothing was written behind the last frame. 'torn': behind it lies
   * what no acknowledged commit needs. 'damaged': acknowledged commits are missing. 'none': there is no log. 'unknown': the
   * manifest cannot be read.
   */
  readonly verdict: 'closed' | 'open' | 'torn' | 'damaged' | 'none' | 'unknown'
  /** The segment and the offset behind its last frame; undefined where that is not known. */
  readonly segment: number | undefined
  readonly offset: number | undefined
  /** The last sequence that opening the database finds. */
  readonly lastSequence: Sequence | undefined
  /** A sentence for people. */
  readonly why: string
}

const ATTEMPTS_IN_USE = 4

/** Judges the log of a picture: damage, where there is some, and the end. */
export async function* judgeLog(
  runtime: Runtime,
  picture: Picture,
): AsyncGenerator<DamageItem | WalEndItem, void, void> {
  const { directory, isInUse } = picture
  let { state } = picture
  let seen: DamageItem | undefined
  for (let attempt = 1; ; attempt++) {
    if (state === undefined) {
      yield end('unknown', 'without a readable manifest it is not known which segments are the log')
      return
    }
    try {
      yield judge(await replay(runtime, directory, state), state, isInUse)
      return
    } catch (error) {
      const damage = toDamage(error, directory)
      const isSeenAgain = seen?.file === damage.file && seen.offset === damage.offset
      seen = damage
      if (isInUse && !isSeenAgain && attempt < ATTEMPTS_IN_USE) {
        // Segments may have gone, and a manifest come, since the picture was taken.
        state = (await takePicture(runtime, directory)).state
        continue
      }
      yield damage
      yield end('damaged', error instanceof CorruptionError ? 'acknowledged commits cannot be read' : 'it cannot be read') // prettier-ignore
      return
    }
  }
}

function replay(runtime: Runtime, directory: string, state: ManifestState): Promise<RecoveredLog> {
  const options = {
    afterSequence: state.flushedThrough,
    cleanEnd: state.clean ? state.logEnd : undefined,
    databaseMark: databaseMarkOf(state),
  }
  const source = { directory, numbers: state.segments }
  return replayLog(runtime, source, options, () => undefined)
}

function judge(found: RecoveredLog, state: ManifestState, isInUse: boolean): WalEndItem {
  const place = { segment: found.end?.segment, offset: found.end?.offset, lastSequence: found.lastSequence }
  if (found.end === undefined) return { ...end('none', 'everything is in tables'), lastSequence: found.lastSequence }
  if (state.clean) return { ...end('closed', 'the database was closed there'), ...place }
  if (found.torn !== undefined) {
    const why = isInUse
      ? 'what follows is being written, or was never acknowledged'
      : 'what follows was never acknowledged'
    return { ...end('torn', why), ...place }
  }
  const why = isInUse ? 'the database is open, and this is as far as it was written' : 'the last process did not close the database; nothing was written behind this place' // prettier-ignore
  return { ...end('open', why), ...place }
}

function end(verdict: WalEndItem['verdict'], why: string): WalEndItem {
  return { kind: 'end', verdict, segment: undefined, offset: undefined, lastSequence: undefined, why }
}
