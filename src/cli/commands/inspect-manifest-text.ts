/** The manifest for people: a line for each edit and each thing that it changes. Pure; pinned by test/cli/inspect.test.ts. */
import type { ManifestChange, ManifestFields, ManifestItem, ManifestTable } from '../../storage/inspect/manifest'
import { bytesText, countText } from '../figures'
import { rangeText, sequencesText, storeLines, troubleLines } from './inspect-text'

/** The lines of an item. */
export function manifestLines(item: ManifestItem): readonly string[] {
  switch (item.kind) {
    case 'store':
      return storeLines(item)
    case 'header':
      return [
        `manifest ${item.number}: ${item.file}, format version ${item.formatVersion}, ${bytesText(item.fileBytes)}`,
      ]
    case 'record':
      return [
        `  ${item.offset}: record ${item.ordinal}, ${bytesText(item.recordBytes)}, ${item.isSeal ? 'a seal' : 'an edit'}; durable up to ${item.promise} when written`,
        ...changeLines(item.edit).map((line) => `    ${line}`),
      ]
    case 'state':
      return ['state:', ...stateLines(item).map((line) => `  ${line}`)]
    case 'end':
      return [`end${item.offset === undefined ? '' : ` at ${item.offset}`}, ${countText(item.records)} records: ${item.verdict}; ${item.why}`] // prettier-ignore
    case 'damage':
    case 'gone':
      return troubleLines(item)
  }
}

function fieldLines(fields: ManifestFields): string[] {
  const { comparator, options, nextFileNumber, nextSegment, flushedThrough, firstSegment, logEnd } = fields
  const numbers: readonly (readonly [string, string | number | undefined])[] = [
    ['order of keys', comparator],
    ...options.map(({ name, value }) => [name, value] as const),
    ['next file number', nextFileNumber],
    ['next segment', nextSegment],
    ['flushed through sequence', flushedThrough],
    ['first segment needed', firstSegment],
  ]
  const lines = numbers.flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]))
  if (logEnd === undefined) return lines
  const { segment, offset, sequence, clean } = logEnd
  return [...lines, `log ended at ${segment}:${offset} with sequence ${sequence}${clean ? ', closed' : ''}`]
}

function changeLines(edit: ManifestChange): string[] {
  return [
    ...fieldLines(edit),
    ...edit.addSegments.map((segment) => `+ segment ${segment}`),
    ...edit.addTables.map((table) => `+ ${tableText(table)}`),
    ...edit.removeTables.map(({ level, number }) => `- table ${number} of level ${level}`),
  ]
}

function stateLines(state: Extract<ManifestItem, { readonly kind: 'state' }>): string[] {
  const { segments, tables } = state
  return [
    ...fieldLines(state),
    `segments needed: ${segments.length === 0 ? 'none' : segments.join(', ')}`,
    ...(tables.length === 0 ? ['no tables'] : tables.map(tableText)),
  ]
}

function tableText(table: ManifestTable): string {
  const { number, level, run, fileBytes, entries, firstSequence, lastSequence, start, end, loadedAt } = table
  const loaded = loadedAt === undefined ? '' : ', bulk load'
  return `table ${number} of level ${level}, run ${run}: ${bytesText(fileBytes)}, ${countText(entries)} entries, ${sequencesText(firstSequence, lastSequence)}, ${rangeText(start, end)}${loaded}`
}
