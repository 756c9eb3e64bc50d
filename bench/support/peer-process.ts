/**
 * The process that measures one engine for bench:peers: named `<what>-<engine>`, where what is reads, commits or load.
 *
 * The engine's module is looked up when it is needed, so that a process holds one engine and nothing of the others.
 */
import { createRequire } from 'node:module'
import path from 'node:path'
import type { ContenderModule } from './contender'
import { openCommitCases, openLoadCases, openReadCases } from './contender-cases'
import { moduleOf } from './peer-catalogue'
import { serveCases } from './serve-cases'
import type { OpenCases } from './serve-cases'

const openers = new Map([
  ['reads', openReadCases],
  ['commits', openCommitCases],
  ['load', openLoadCases],
])

serveCases((name): OpenCases | undefined => {
  const end = name.indexOf('-')
  const openCases = openers.get(name.slice(0, end))
  if (openCases === undefined) return undefined
  return (options) => {
    // The modules of other engines belong to a package of their own, which need not be installed.
    const { openContender } = createRequire(__filename)(
      path.resolve(__dirname, moduleOf(name.slice(end + 1))),
    ) as ContenderModule
    return openCases(openContender, options)
  }
})
