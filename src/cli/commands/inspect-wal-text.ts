/** The log for people: a line for each segment, frame, commit and entry. Pure; pinned by test/cli/inspect.test.ts. */
import type { EntryItem, FrameItem, SegmentItem, StretchItem, WalItem } from '../../storage/inspect/wal'
import type { WalEndItem } from '../../storage/inspect/wal-end'
import { bytesText, countOf } from '../figures'
import { keyText, rangeText, sequencesText, storeLines, troubleLines } from './inspect-text'

/** The lines of an item. */
export function walLines(item: WalItem): readonly string[] {
  switch (item.kind) {
    case 'store':
      return storeLines(item)
    case 'segment':
      return [segmentLine(item)]
    case 'frame':
      return [frameLine(item)]
    case 'commit':
      return [`    commit ${item.sequence}: ${countEntries(item.entries)}`]
    case 'entry':
      return [`      ${entryText(item)}`]
    case 'stretch':
      return [stretchLine(item)]
    case 'end':
      return [endLine(item)]
    case 'damage':
    case 'gone':
      return troubleLines(item)
  }
}

const STANDINGS = { named: 'needed', orphan: 'an orphan, not needed', unknown: 'no manifest says whether it is needed' }

function segmentLine({ number, file, fileBytes, standing, nonce }: SegmentItem): string {
  return `segment ${number}: ${file}, ${bytesText(fileBytes)}, ${STANDINGS[standing]}, nonce ${nonce}`
}

function frameLine(item: FrameItem): string {
  const { offset, ordinal, frameBytes, commits, firstSequence, lastSequence, promise, isContinuous } = item
  const holds =
    commits === 0 ? 'no commits' : `${countOf(commits, 'commit')}, ${sequencesText(firstSequence, lastSequence)}`
  const chain = isContinuous ? '' : '; DOES NOT CONTINUE the frame before'
  return `  ${offset}: frame ${ordinal}, ${bytesText(frameBytes)}, ${holds}; durable up to ${promise.segment}:${promise.offset} when written${chain}`
}

function stretchLine({ offset, stretchBytes, isBlank }: StretchItem): string {
  return `  ${offset}: ${bytesText(stretchBytes)} ${isBlank ? 'of zeros, written ahead' : 'in which no frame verifies'}`
}

function countEntries(count: number): string {
  return count === 1 ? '1 entry' : `${count} entries`
}

function entryText({ entry, key, end, valueBytes }: EntryItem): string {
  if (entry === 'put') return `put ${keyText(key)}, ${bytesText(valueBytes ?? 0)}`
  return entry === 'delete' ? `delete ${keyText(key)}` : `delete range ${rangeText(key, end)}`
}

function endLine({ verdict, segment, offset, lastSequence, why }: WalEndItem): string {
  if (verdict === 'none') return `end: no log is needed, ${why} up to sequence ${lastSequence ?? 0}`
  const place = segment === undefined ? '' : ` at ${segment}:${offset ?? 0}`
  const through = lastSequence === undefined ? '' : `, with sequence ${lastSequence}`
  return `end${place}${through}: ${verdict}; ${why}`
}
