/**
 * What `list` and `info` print: the open transactions, and the database in a few lines.
 *
 * Pinned by test/cli/shell/session.test.ts.
 */
import type { Database } from '../../index'
import { bytesText, countOf, countText } from '../figures'
import type { Paint } from '../paint'
import { waitText } from './explanation-lines'
import type { Participant, Participants } from './place'

/** One line for each open transaction; the current one is marked. */
export function listLines({ participants, current }: Participants, { dim, bold }: Paint): string[] {
  if (participants.length === 0) return [dim('(no transactions are open)')]
  const width = Math.max(...participants.map(({ name }) => name.length))
  return participants.map((participant) => {
    const mark = participant === current ? '*' : ' '
    return `${mark} ${bold(participant.name.padEnd(width))}  ${factsOf(participant)}`
  })
}

function factsOf({ transaction }: Participant): string {
  const { state, isolation, readOnly, reads, writes, waits, snapshot } = transaction.explain()
  const [wait] = waits
  const standing = state === 'aborted' ? 'doomed' : wait === undefined ? state : waitText(wait)
  const kind = readOnly ? 'read-only' : isolation
  return [standing, kind, `reads at ${snapshot}`, countOf(reads.total, 'read'), countOf(writes.total, 'write')].join(
    ', ',
  )
}

/** The database in a few lines. */
export function infoLines(db: Database, { dim }: Paint): string[] {
  const { transactions, storage } = db.stats()
  const row = (name: string, text: string): string => `${dim(name.padEnd(13))} ${text}`
  return [
    row('directory', db.path),
    row('sequences', `decided ${transactions.decided}, published ${transactions.published}`),
    row('transactions', `${countText(transactions.transactionsActive)} open`),
    row('memtable', `${countOf(storage.memtableEntries, 'version')}, ${bytesText(storage.memtableBytes)}`),
    row(
      'log',
      `${countOf(storage.logSegments, 'segment')}, ${bytesText(storage.logBytesWritten)} written since the opening`,
    ),
    ...storage.levels.map(
      (level, number) =>
      row(`level ${number}`, `${countOf(level.tables, 'table')} in ${countOf(level.runs, 'run')}, ${countOf(level.entries, 'version')}, ${bytesText(level.bytes)}`), // prettier-ignore
    ),
  ]
}
