/**
 * `strictkv salvage DIR TARGET`: a new database of what can be read of a damaged one, and a list of what cannot.
 */
import { salvage } from '../../index'
import type { SalvageLoss, SalvageReport } from '../../index'
import { answer } from '../answer'
import { bytesToJson, bytesToTyped } from '../byte-text'
import type { Command } from '../command'
import { EXIT_DONE, EXIT_PROBLEM } from '../exit-codes'
import { countOf } from '../figures'
import { argument, flagOption } from '../invocation'
import { checkDatabase } from '../open-database'
import { startProgress } from '../progress'

/** Keys are shown up to so many characters. */
const KEY_CHARS_MAX = 60

export const salvageCommand: Command = {
  name: 'salvage',
  summary: 'copy what is readable of a damaged database to a new directory, and list what is lost',
  positionals: ['DIR', 'TARGET'],
  options: [
    {
      name: 'take-loads',
      about: 'also take tables that may be of a bulk load, though no manifest says any more that it was committed',
    },
  ],
  help: {
    about: [
      'Builds a new database in TARGET, which must be empty or not there, from every table, every block of a damaged table and every group of the log that can be read. Of each key the newest version that is readable wins. DIR is only read.',
      'Every loss is listed with its place, the keys between its neighbours and the commits where they are known; every doubt, which no file can settle any more (whether a deleted key is back, say), as well. Of a key in none of these ranges the newest version is there. Exits with 0 if nothing is lost or in doubt, else with 1.',
      'With --json: complete, manifest (whole, suspect, lost), losses and doubts (file, offset, length, what, range, sequences), notes, tables, segments, rows, sequence.',
    ],
    examples: [
      { want: 'what can be had of a database that does not open', line: 'strictkv salvage ./data ./saved' },
      { want: 'the list of losses kept beside it', line: 'strictkv salvage ./data ./saved --json > losses.json' },
    ],
  },
  run: async (invocation) => {
    const directory = argument(invocation, 0)
    const target = argument(invocation, 1)
    checkDatabase(directory)
    const { signal } = invocation.terminal
    const progress = startProgress(invocation, { what: 'salvaging', unit: 'bytes' })
    const onProgress = ({ bytes, bytesTotal }: { bytes: number; bytesTotal: number }): void => {
      progress.update(bytes, bytesTotal)
    }
    const takeLoads = flagOption(invocation, 'take-loads')
    const report = await salvage(directory, target, { signal, onProgress, takeLoads }).finally(() => progress.end())
    answer(invocation, toDocument(report), lines(report, target))
    return report.complete ? EXIT_DONE : EXIT_PROBLEM
  },
}

function toDocument(report: SalvageReport): Parameters<typeof answer>[1] {
  return {
    complete: report.complete,
    manifest: report.manifest,
    losses: report.losses.map(lossDocument),
    doubts: report.doubts.map(lossDocument),
    notes: report.notes.map(({ file, what }) => ({ file, what })),
    tables: report.tables,
    segments: report.segments,
    rows: report.rows,
    sequence: report.sequence,
  }
}

function lossDocument({ file, offset, length, what, range, sequences }: SalvageLoss): Parameters<typeof answer>[1] {
  const end = range.end === undefined ? undefined : bytesToJson(range.end)
  return {
    file,
    offset,
    length: length ?? null,
    what,
    range: { start: bytesToJson(range.start), end },
    sequences: sequences === undefined ? null : { first: sequences.first, last: sequences.last },
  }
}

function lines(report: SalvageReport, target: string): string[] {
  const { complete, losses, doubts, notes, tables, segments, rows, sequence } = report
  const summary = `${target}: ${countOf(rows, 'row')} out of ${countOf(tables, 'table')} and ${countOf(segments, 'log segment')}, up to commit ${sequence}`
  const verdict = complete
    ? 'Nothing is lost.'
    : `Not complete: ${countOf(losses.length, 'lost part')}, ${countOf(doubts.length, 'doubt')}.`
  return [
    ...losses.map((loss) => `lost    ${describeLoss(loss)}`),
    ...doubts.map((doubt) => `doubt   ${describeLoss(doubt)}`),
    ...notes.map(({ file, what }) => `note    ${file}: ${what}`),
    summary,
    verdict,
  ]
}

function describeLoss({ file, offset, length, what, range, sequences }: SalvageLoss): string {
  const stretch = length === undefined ? `${offset} on` : `${offset} to ${offset + length}`
  const place = length === 0 || (length === undefined && offset === 0) ? file : `${file}, byte ${stretch}`
  const start = bytesToTyped(range.start, KEY_CHARS_MAX)
  const end = range.end === undefined ? undefined : bytesToTyped(range.end, KEY_CHARS_MAX)
  const isEveryKey = range.start.length === 0 && range.end === undefined
  const keys = isEveryKey ? 'any key' : `keys from ${start}${end === undefined ? ' on' : ` up to ${end}`}`
  return `${place}: ${what} (${keys}${commitsOf(sequences)})`
}

function commitsOf(sequences: SalvageLoss['sequences']): string {
  if (sequences === undefined) return ''
  const { first, last } = sequences
  return first === last ? `, commit ${first}` : `, commits ${first} to ${last}`
}
