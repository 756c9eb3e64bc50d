/**
 * The process that measures for bench:learned: `<key set>:<index mode>`, or `compaction`.
 */
import { INDEX_MODES } from '../../src/storage/table/index-mode'
import { openCompactionCase } from './learned-compaction'
import { KEY_SET_NAMES } from './key-sets'
import { openLearnedCases } from './learned-cases'
import { serveCases } from './serve-cases'

serveCases((name) => {
  if (name === 'compaction') return openCompactionCase
  const [set, mode] = name.split(':')
  const keySet = KEY_SET_NAMES.find((known) => known === set)
  const indexMode = INDEX_MODES.find((known) => known === mode)
  if (keySet === undefined || indexMode === undefined) return undefined
  return (options) => openLearnedCases(keySet, indexMode, options)
})
