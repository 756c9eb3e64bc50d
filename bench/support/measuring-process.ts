/**
 * The process that measures for bench:smoke: which cases are whose.
 */
import { openCommitCases } from './commits'
import { openLimitCases } from './limits'
import { openLoadCase } from './load'
import { openReadCases } from './reads'
import { serveCases } from './serve-cases'
import type { OpenCases } from './serve-cases'

const openCasesByProcess = new Map<string, OpenCases>([
  ['commits', openCommitCases],
  ['reads', openReadCases],
  ['limits', openLimitCases],
  ['load', openLoadCase],
])

serveCases((name) => openCasesByProcess.get(name))
