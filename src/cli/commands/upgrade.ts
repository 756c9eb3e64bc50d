/**
 * `strictkv upgrade DIR`: says of which format versions a database is, and what there is to upgrade: today nothing.
 *
 * It writes nothing. Once a second version of a format exists, this is where files of the first are rewritten.
 */
import { formatVersions } from '../../offline'
import type { FormatReport } from '../../offline'
import type { FileFormat } from '../../storage/inspect/format-versions'
import { answer } from '../answer'
import type { Command } from '../command'
import { EXIT_DONE, EXIT_PROBLEM } from '../exit-codes'
import { countOf } from '../figures'
import { argument } from '../invocation'
import { checkDatabase } from '../open-database'

const FORMATS = ['manifest', 'table', 'log'] as const
const NOUNS = { manifest: 'manifest', table: 'table', log: 'log segment' } as const

export const upgradeCommand: Command = {
  name: 'upgrade',
  summary: 'say of which format versions a database is, and rewrite what is of an older one',
  positionals: ['DIR'],
  options: [],
  help: {
    about: [
      'Reads the format version of every file and says what an upgrade would rewrite. There is one version of each format so far, so there is nothing to rewrite, and the command changes nothing.',
      'A file of another version, or one that does not say its version in a way that can be trusted, is listed, and the exit code is 1.',
    ],
    examples: [{ want: 'whether a database is of the newest formats', line: 'strictkv upgrade ./data' }],
  },
  run: async (invocation) => {
    const directory = argument(invocation, 0)
    checkDatabase(directory)
    const report = await formatVersions(directory)
    const others = report.files.filter((file) => file.version !== report.current[file.format])
    const document = {
      upgraded: 0,
      current: report.current,
      files: report.files.map(({ file, format, version }) => ({ file, format, version: version ?? null })),
    }
    answer(invocation, document, [...counts(report), ...(others.length === 0 ? [NOTHING] : others.map(otherLine))])
    return others.length === 0 ? EXIT_DONE : EXIT_PROBLEM
  },
}

const NOTHING = 'Nothing to upgrade: these are the versions that this program writes, and nothing was changed.'

function counts(report: FormatReport): string[] {
  return FORMATS.map((format) => {
    const count = report.files.filter(
      (file) => file.format === format && file.version === report.current[format],
    ).length
    return `${countOf(count, NOUNS[format])} of format version ${report.current[format]}`
  })
}

function otherLine({ file, format, version }: FileFormat): string {
  if (version === undefined) return `${file}: damaged, its ${format} format cannot be told; see strictkv verify`
  return `${file}: ${format} format version ${version}, which this program neither reads nor upgrades`
}
