/**
 * `strictkv inspect`: looks inside the files of a database, which may be open elsewhere; reads, and writes nothing but pictures.
 *
 * The looking is src/storage/inspect; here it is told what to look at, and answered. Damage is named and gone past: exit code 1.
 * Pinned by test/cli/inspect.test.ts.
 */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { inspectLocks, inspectManifest, inspectTable, inspectTree, inspectWal, readTableModel } from '../../offline'
import { answer } from '../answer'
import { UsageError } from '../cli-errors'
import type { Command, Invocation } from '../command'
import type { ExitCode } from '../exit-codes'
import { EXIT_DONE, EXIT_PROBLEM } from '../exit-codes'
import { argument, flagOption, textOption } from '../invocation'
import { writeSmallFile } from '../streams'
import { drawTableModel } from '../svg/model-drawing'
import { drawTree } from '../svg/tree-drawing'
import { manifestLines } from './inspect-manifest-text'
import { printItems, toJson } from './inspect-output'
import { tableLines } from './inspect-table-text'
import { lockLines, treeLines } from './inspect-tree-text'
import { walLines } from './inspect-wal-text'

const POINTS_MAX = 2_000
const TABLE_NAME = /^0*(\d{1,10})\.table$/

/** What can be looked at, with the options that go with it. */
const OPTIONS_BY_SUBJECT: ReadonlyMap<string, readonly string[]> = new Map([
  ['wal', ['entries']],
  ['manifest', []],
  ['table', ['rows', 'model']],
  ['tree', ['svg']],
  ['locks', []],
])

export const inspectCommand: Command = {
  name: 'inspect',
  summary: 'look inside the log, the manifest, a table, the tree of tables, the lock',
  positionals: ['wal|manifest|table|tree|locks', 'DIR', '[NUMBER]'],
  options: [
    { name: 'entries', about: 'wal: list every commit and its entries' },
    { name: 'rows', about: 'table: list every row and range tombstone' },
    { name: 'model', value: 'FILE.svg', about: 'table: draw its learned index instead of listing it' },
    { name: 'svg', value: 'FILE.svg', about: 'tree: draw the levels as well' },
  ],
  help: {
    about: [
      'Reads the files of a database, whether it is closed or open in another process; it changes nothing. What another process has open may be a moment older here than it is there.',
      'What is damaged is named, and the rest is listed all the same; then the exit code is 1. "strictkv verify" checks that everything fits together.',
      'A table is named by its number, or by the path of its file. A manifest other than the one in force is named by its number.',
    ],
    examples: [
      { want: 'where the log ends, and why', line: 'strictkv inspect wal ./data' },
      { want: 'every commit that is in the log', line: 'strictkv inspect wal ./data --entries' },
      { want: 'what each edit of the manifest changed', line: 'strictkv inspect manifest ./data' },
      { want: 'levels, runs and tables, and a picture of them', line: 'strictkv inspect tree ./data --svg tree.svg' },
      { want: 'the blocks and rows of a table', line: 'strictkv inspect table ./data 12 --rows' },
      {
        want: 'how well its learned index fits',
        line: 'strictkv inspect table ./data/0000000012.table --model model.svg',
      },
      { want: 'who has the database open', line: 'strictkv inspect locks ./data' },
    ],
  },
  run: async (invocation) => {
    const subject = argument(invocation, 0)
    const directory = argument(invocation, 1)
    checkSubject(invocation, subject)
    if (subject === 'wal') {
      const entries = flagOption(invocation, 'entries')
      return printItems(invocation, inspectWal(directory, { entries }), walLines)
    }
    if (subject === 'manifest') {
      const number = numberArgument(invocation)
      return printItems(invocation, inspectManifest(directory, { number }), manifestLines)
    }
    if (subject === 'table') return runTable(invocation)
    if (subject === 'tree') return runTree(invocation, directory)
    const report = await inspectLocks(directory)
    answer(invocation, toJson(report), lockLines(report))
    return EXIT_DONE
  },
}

function checkSubject(invocation: Invocation, subject: string): void {
  const fitting = OPTIONS_BY_SUBJECT.get(subject)
  const subjects = [...OPTIONS_BY_SUBJECT.keys()].join(', ')
  if (fitting === undefined) throw new UsageError(`Cannot inspect ${JSON.stringify(subject)}: there is ${subjects}`)
  for (const { name } of inspectCommand.options) {
    if (!invocation.values.has(name) || fitting.includes(name)) continue
    const [other] = [...OPTIONS_BY_SUBJECT].find(([, names]) => names.includes(name))!
    throw new UsageError(`Cannot inspect ${subject} with --${name}: it goes with "strictkv inspect ${other}"`)
  }
  if (invocation.positionals[2] === undefined || subject === 'table' || subject === 'manifest') return
  throw new UsageError(`Cannot inspect ${subject} with ${JSON.stringify(invocation.positionals[2])}: it takes a directory alone`) // prettier-ignore
}

/** The number of a file in the directory, if one was given. */
function numberArgument(invocation: Invocation): number | undefined {
  const text = invocation.positionals[2]
  if (text === undefined) return undefined
  if (/^\d{1,10}$/.test(text) && Number(text) > 0) return Number(text)
  throw new UsageError(`Cannot use ${JSON.stringify(text)} as NUMBER: give the number in the name of the file`)
}

/** The table that is meant: `DIR NUMBER`, or the path of its file. */
function tableArgument(invocation: Invocation): { readonly directory: string; readonly number: number } {
  const place = argument(invocation, 1)
  const number = numberArgument(invocation)
  if (number !== undefined) return { directory: place, number }
  const match = TABLE_NAME.exec(path.basename(place))
  if (match === null || Number(match[1]) === 0) {
    throw new UsageError(`Cannot inspect a table of ${place}: give its number too ("strictkv inspect tree" lists them), or the path of its file, as in ${path.join(place, '0000000012.table')}`) // prettier-ignore
  }
  return { directory: path.dirname(place), number: Number(match[1]) }
}

async function runTable(invocation: Invocation): Promise<ExitCode> {
  const { directory, number } = tableArgument(invocation)
  const picture = pictureOption(invocation, 'model')
  if (picture === undefined) {
    return printItems(invocation, inspectTable(directory, { number, rows: flagOption(invocation, 'rows') }), tableLines)
  }
  if (flagOption(invocation, 'rows')) throw new UsageError('Cannot inspect a table with --rows and --model together')
  const model = await readTableModel(directory, { number, pointsMax: POINTS_MAX })
  writeSmallFile(picture, drawTableModel(model, `table ${number}`))
  const { file, blocks, isStored, fittedError, segmentsByLevel, measures } = model
  answer(invocation, toJson({ picture, file, blocks, isStored, fittedError, segmentsByLevel, ...measures }), [
    `${picture}: the learned index of ${file}, ${isStored ? 'as it is stored' : 'which has none, as it would be fitted'}`,
    `  ${segmentsByLevel.join(', ')} segments by level for ${blocks} blocks; off by ${measures.largestError} at most, ${measures.meanError.toFixed(2)} on average`,
  ])
  return EXIT_DONE
}

async function runTree(invocation: Invocation, directory: string): Promise<ExitCode> {
  const picture = pictureOption(invocation, 'svg')
  const report = await inspectTree(directory)
  if (picture !== undefined) writeSmallFile(picture, drawTree(report))
  const drawn = picture === undefined ? [] : [`drawn in ${picture}`]
  answer(invocation, toJson({ ...report, picture }), [...treeLines(report), ...drawn])
  return report.damages.length > 0 ? EXIT_PROBLEM : EXIT_DONE
}

/** Where a picture goes; a name that is no picture's is never overwritten. */
function pictureOption(invocation: Invocation, name: string): string | undefined {
  const file = textOption(invocation, name)
  if (file === undefined) return undefined
  if (!file.endsWith('.svg')) throw new UsageError(`Cannot draw into ${file}: give a name that ends in .svg`)
  const folder = path.dirname(file)
  if (!existsSync(folder)) throw new UsageError(`Cannot draw into ${file}: there is no directory ${folder}`)
  return file
}
