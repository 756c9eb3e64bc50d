/**
 * Blank projects that use the package as it would be published: packed, installed from the archive, outside the repository.
 *
 * A project lies in the system's temporary folder, so that nothing of the repository's node_modules is found by accident
 * (the types of Node above all); TypeScript and jest are started from there by path. Packages come through npm, its cache
 * first. Each test file packs once, in a folder of its own, and removes everything at the end.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

/** The top of the repository. */
export const repository = path.resolve(__dirname, '../..')

/** How a process ended; `output` is both of its streams. */
export interface Outcome {
  readonly status: number | null
  readonly output: string
}

/** The package, packed, and the blank projects that have it installed. */
export interface PackedPackage {
  /** The files in the archive, in order of path. */
  readonly files: readonly string[]
  /** Makes a project out of test/package/projects/<name>; `type` is that of its package.json. */
  createProject(name: string, type?: 'commonjs' | 'module'): BlankProject
  /** Removes the archive and every project. */
  remove(): void
}

/** One project. */
export interface BlankProject {
  readonly directory: string
  /** Runs node on a script, which may be one of the repository's tools. */
  node(...args: string[]): Outcome
  /** Runs a program that a package brings, as `npx` finds it: in the project, from nowhere else. */
  npx(...args: string[]): Outcome
}

/** Packs the repository as it stands. The build before is the test command's: others load dist while this packs. */
export function packPackage(): PackedPackage {
  const top = realpathSync(mkdtempSync(path.join(tmpdir(), 'strictkv-package-')))
  const packed = run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', top], repository)
  if (packed.status !== 0) throw new Error(`npm pack failed:\n${packed.output}`)
  const json = packed.output.slice(packed.output.indexOf('['), packed.output.lastIndexOf(']') + 1)
  const [archive] = JSON.parse(json) as { filename: string; files: { path: string }[] }[]
  if (archive === undefined) throw new Error(`npm pack packed nothing:\n${packed.output}`)
  let projects = 0
  let modules: string | undefined

  function createProject(name: string, type: 'commonjs' | 'module' = 'commonjs'): BlankProject {
    const directory = path.join(top, `${name}-${projects++}`)
    mkdirSync(directory)
    writeFileSync(path.join(directory, 'package.json'), JSON.stringify({ name, version: '1.0.0', private: true, type }))
    if (modules === undefined) {
      const options = ['--no-audit', '--no-fund', '--prefer-offline', '--no-package-lock']
      const installed = run('npm', ['install', ...options, path.join(top, archive!.filename)], directory)
      if (installed.status !== 0) throw new Error(`npm install of the archive failed:\n${installed.output}`)
      modules = path.join(directory, 'node_modules')
    } else {
      cpSync(modules, path.join(directory, 'node_modules'), { recursive: true })
    }
    cpSync(path.join(__dirname, 'projects', name), directory, { recursive: true })
    return {
      directory,
      node: (...args) => run(process.execPath, args, directory),
      npx: (...args) => run('npx', ['--no-install', ...args], directory),
    }
  }

  return {
    files: archive.files.map((file) => file.path).sort(),
    createProject,
    remove: () => rmSync(top, { recursive: true, force: true }),
  }
}

/** The path of a tool of the repository. */
export function tool(name: string): string {
  return path.join(repository, 'node_modules', name)
}

/** The package.json of the repository. */
export function manifest(): Record<string, unknown> {
  return JSON.parse(readFileSync(path.join(repository, 'package.json'), 'utf8')) as Record<string, unknown>
}

function run(command: string, args: readonly string[], cwd: string): Outcome {
  const result = spawnSync(command, args, { cwd, encoding: 'utf8', env: environment() })
  return { status: result.status, output: `${result.stdout}${result.stderr}${result.error?.message ?? ''}` }
}

/** Without what jest and `npm run` add for their own children: a blank project knows neither. */
function environment(): NodeJS.ProcessEnv {
  const own = (name: string): boolean =>
    /^(npm_(lifecycle|package)_|npm_config_(local_prefix|prefix)$|JEST_|NODE_ENV$|NODE_OPTIONS$|INIT_CWD$)/.test(name)
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !own(name)))
}
