/** One table for people: a line for each part, block and row. Pure; pinned by test/cli/inspect.test.ts. */
import type { TableLookItem } from '../../storage/inspect/table-items'
import { bytesText, countOf, countText } from '../figures'
import { keyText, rangeText, sequencesText, storeLines, troubleLines } from './inspect-text'

type ItemOf<Kind extends TableLookItem['kind']> = Extract<TableLookItem, { readonly kind: Kind }>

/** The lines of an item. */
export function tableLines(item: TableLookItem): readonly string[] {
  switch (item.kind) {
    case 'store':
      return storeLines(item)
    case 'table':
      return [tableLine(item)]
    case 'section':
      return [`  ${item.offset}: ${item.name}, ${bytesText(item.sectionBytes)}`]
    case 'properties':
      return propertiesLines(item)
    case 'filter':
      return [filterLine(item)]
    case 'range tombstone':
      return [`range tombstone: ${rangeText(item.start, item.end)} at sequence ${item.sequence}`]
    case 'index':
      return [indexLine(item)]
    case 'model':
      return [modelLine(item)]
    case 'block':
      return [blockLine(item)]
    case 'row':
      return [`    ${keyText(item.key)} at ${item.sequence}: ${item.entry}${item.valueBytes === undefined ? '' : `, ${bytesText(item.valueBytes)}`}`] // prettier-ignore
    case 'end':
      return [`end: ${countOf(item.blocks, 'block')} and ${countOf(item.rows, 'row')} read${item.damages === 0 ? '' : `, ${countOf(item.damages, 'damage')}`}`] // prettier-ignore
    case 'damage':
    case 'gone':
      return troubleLines(item)
  }
}

function tableLine({ number, file, fileBytes, level, run, loadedAt }: ItemOf<'table'>): string {
  const place = level === undefined ? 'in no manifest that can be read' : `level ${level}, run ${run ?? 0}`
  const loaded = loadedAt === undefined ? '' : `, bulk load at sequence ${loadedAt}`
  return `table ${number}: ${file}, ${bytesText(fileBytes)}, ${place}${loaded}`
}

function propertiesLines(item: ItemOf<'properties'>): string[] {
  const { entries, keys, tombstones, rangeTombstones, keyBytes, valueBytes, dataBlocks, firstSequence, lastSequence } = item // prettier-ignore
  const { start, end, firstKey, lastKey } = item
  const counts = `${countText(entries)} entries of ${countOf(keys, 'key')}, ${countOf(tombstones, 'tombstone')}, ${countOf(rangeTombstones, 'range tombstone')}`
  const sizes = `${bytesText(keyBytes)} of keys and ${bytesText(valueBytes)} of values in ${countOf(dataBlocks, 'block')}`
  const keysLine = firstKey === undefined || lastKey === undefined ? [] : [`  keys from ${keyText(firstKey)} to ${keyText(lastKey)}`] // prettier-ignore
  const bounds = `  bounds ${rangeText(start, end)}, ${sequencesText(firstSequence, lastSequence)}`
  return [`properties: ${counts}`, `  ${sizes}`, bounds, ...keysLine]
}

function filterLine(item: ItemOf<'filter'>): string {
  const { keys, filterBytes, bitsPerKey, probes, designRate, measuredRate, asked } = item
  return `filter: ${bytesText(filterBytes)} for ${countOf(keys, 'key')}, ${bitsPerKey.toFixed(1)} bits a key, ${countOf(probes, 'probe')}; false positives ${percent(measuredRate)} of ${countText(asked)} absent keys, ${percent(designRate)} by design`
}

function indexLine({ blocks, pages, sharedPrefix, autoMode }: ItemOf<'index'>): string {
  return `index: ${countOf(blocks, 'block')} in ${countOf(pages, 'page')}, separators share ${keyText(sharedPrefix)}; mode ${autoMode ?? 'unknown'}`
}

function modelLine(item: ItemOf<'model'>): string {
  const { segmentsByLevel, modelBytes, fittedError, largestError, meanError, beyondStated } = item
  const beyond = beyondStated === 0 ? '' : `, BEYOND WHAT IT STATES at ${countOf(beyondStated, 'separator')}`
  return `model: ${segmentsByLevel.join(', ')} segments by level, ${bytesText(modelBytes)}, fitted with error ${fittedError}; measured ${largestError} at most, ${meanError.toFixed(2)} on average${beyond}`
}

function blockLine({ ordinal, offset, blockBytes, type, codec, rows, firstKey, lastKey }: ItemOf<'block'>): string {
  const what = type === 'rows' ? countOf(rows, 'row') : 'large value'
  const how = codec === 'none' ? '' : `, ${codec}`
  return `  ${offset}: ${ordinal === undefined ? 'a block found without the index' : `block ${ordinal}`}, ${bytesText(blockBytes)}, ${what}${how}, ${keyText(firstKey)} to ${keyText(lastKey)}`
}

function percent(rate: number): string {
  return `${(100 * rate).toFixed(2)} %`
}
