/**
 * The process that measures for bench:large and bench:open-loop: which cases are whose.
 */
import { openCrashCase, openLargeCases, openOpeningCase } from './large-cases'
import { openOpenLoopCases } from './open-loop-cases'
import { serveCases } from './serve-cases'
import type { OpenCases } from './serve-cases'

const openCasesByProcess = new Map<string, OpenCases>([
  ['large', openLargeCases],
  ['opening', openOpeningCase],
  ['crash', openCrashCase],
  ['open-loop-sync', (options) => openOpenLoopCases('sync', options)],
  ['open-loop-os', (options) => openOpenLoopCases('os', options)],
])

serveCases((name) => openCasesByProcess.get(name))
