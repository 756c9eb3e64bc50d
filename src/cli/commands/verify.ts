/**
 * `strictkv verify DIR`: reads every file of a database and says what is damaged, and where.
 */
import { verify } from '../../index'
import type { Damage, VerifyReport } from '../../index'
import { answer } from '../answer'
import type { Command } from '../command'
import { EXIT_DONE, EXIT_PROBLEM } from '../exit-codes'
import { bytesText, countOf } from '../figures'
import { argument } from '../invocation'
import { checkDatabase } from '../open-database'
import { startProgress } from '../progress'

export const verifyCommand: Command = {
  name: 'verify',
  summary: 'read every file and say what is damaged, and where',
  positionals: ['DIR'],
  options: [],
  help: {
    about: [
      'Checks all that can be checked: checksums, the order of keys, bounds, filters (each key passes), indexes and learned models (each key is found), figures, the manifest, the log, and what the files say of each other. It goes on after the first damage, changes nothing, and exits with 1 if there is damage.',
      'The database must not be open elsewhere for writing; a program that has it open calls db.verify() instead. What "note" says is no damage: what a crash leaves, and files that nothing refers to.',
      'With --json: ok, files (name, bytes, state), damages and notes (file, offset, length, what), bytes, tables, rows, commits, sequence.',
    ],
    examples: [
      { want: 'whether a database is sound', line: 'strictkv verify ./data' },
      { want: 'the names of damaged files', line: "strictkv verify ./data --json | jq '.damages[].file'" },
    ],
  },
  run: async (invocation) => {
    const directory = argument(invocation, 0)
    checkDatabase(directory)
    const { signal } = invocation.terminal
    const progress = startProgress(invocation, { what: 'verifying', unit: 'bytes' })
    const onProgress = ({ bytes, bytesTotal }: { bytes: number; bytesTotal: number }): void => {
      progress.update(bytes, bytesTotal)
    }
    const report = await verify(directory, { signal, onProgress }).finally(() => progress.end())
    answer(invocation, toDocument(report), lines(report))
    return report.ok ? EXIT_DONE : EXIT_PROBLEM
  },
}

function toDocument(report: VerifyReport): Parameters<typeof answer>[1] {
  const plain = ({ file, offset, length, what }: Damage): Parameters<typeof answer>[1] => ({
    file,
    offset,
    length,
    what,
  })
  return {
    ok: report.ok,
    files: report.files.map(({ file, bytes, state }) => ({ file, bytes, state })),
    damages: report.damages.map(plain),
    notes: report.notes.map(plain),
    bytes: report.bytes,
    tables: report.tables,
    rows: report.rows,
    commits: report.commits,
    sequence: report.sequence,
  }
}

function lines(report: VerifyReport): string[] {
  const { ok, files, damages, notes, bytes, tables, rows, commits, sequence } = report
  const read = files.filter(({ state }) => state !== 'unused' && state !== 'missing').length
  const summary = `${countOf(read, 'file')}, ${bytesText(bytes)}: ${countOf(tables, 'table')} with ${countOf(rows, 'version')}, ${countOf(commits, 'commit')} in the log, the last one ${sequence}`
  const verdict = ok
    ? 'No damage was found.'
    : `${countOf(damages.length, 'damaged place')}. Restore a backup, or see "strictkv help salvage".`
  return [
    ...damages.map((damage) => `damage  ${placeOf(damage)}`),
    ...notes.map((note) => `note    ${placeOf(note)}`),
    summary,
    verdict,
  ]
}

function placeOf({ file, offset, length, what }: Damage): string {
  if (offset === 0 && length === 0) return `${file}: ${what}`
  return `${file}, byte ${offset}${length > 0 ? ` to ${offset + length}` : ''}: ${what}`
}
