// Builds dist/: one CommonJS file for applications, one for background threads, the program, the ES module re-export, and the types.
//
//   dist/index.js     everything reachable from src/index.ts; p-queue (ES module only) is bundled in, so that a CommonJS
//                     jest in an application needs no transform; the other dependencies stay ordinary requires
//   dist/worker.js    the entry of a background thread, from src/worker.ts
//   dist/cli.js       the program `strictkv`, from src/cli/entry.ts, whole in itself: it may lie beside any index.js
//   dist/index.mjs    re-exports every name of index.js for `import`
//   dist/index.d.ts   the public declarations alone, rolled up in one file that needs no @types/node (dist/index.d.mts
//                     says the same to `import`)
//
// Pinned by test/package. Decision: docs/decisions/0002-published-form.md.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { build } from 'esbuild'

const root = path.dirname(import.meta.dirname)
const finished = path.join(root, 'dist')
// Built aside and swapped in at the end: a build that fails leaves the last good one.
const staging = path.join(root, `dist.${process.pid}.tmp`)

const { dependencies } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'))
const bundledIn = ['p-queue']
const external = Object.keys(dependencies).filter((name) => !bundledIn.includes(name))

const libraries = ['src/index.ts', 'src/worker.ts']
const program = 'src/cli/entry.ts'

function fail(message) {
  process.stderr.write(`build: ${message}\n`)
  process.exitCode = 1
}

async function bundle() {
  const files = await bundleOne({ entryPoints: libraries })
  // The first line is what the system needs to run the file as a program. No source map: it would be
  // larger than that of index.js, already the largest file of the package, and serve no one. The code is not minified, so the stacks of
  // STRICTKV_DEBUG=1 name functions as the sources do; applications, which step into the package, load index.js.
  const banner = { js: '#!/usr/bin/env node' }
  files.push(...(await bundleOne({ entryPoints: [{ in: program, out: 'cli' }], banner, sourcemap: false })))
  writeLicenses([...new Set(files)])
}

/** Resolves to the files that went in. */
async function bundleOne(what) {
  const { metafile } = await build({
    absWorkingDir: root,
    outdir: staging,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20.19',
    external,
    sourcemap: true,
    sourcesContent: true,
    logLevel: 'warning',
    // The names of error classes are part of the interface, so nothing is minified.
    minify: false,
    metafile: true,
    ...what,
  })
  return Object.keys(metafile.inputs)
}

/** The licences of the packages whose code is in the bundles, as those licences ask. */
function writeLicenses(inputs) {
  const folders = new Set(
    inputs.flatMap((input) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0] ?? []),
  )
  const texts = [...folders].sort().map((folder) => {
    const directory = path.resolve(root, folder)
    const { name, version } = JSON.parse(readFileSync(path.join(directory, 'package.json'), 'utf8'))
    const file = readdirSync(directory).find((entry) => /^licen[cs]e/i.test(entry))
    if (file === undefined) throw new Error(`${name} is bundled but has no licence file`)
    return `${name} ${version}\n\n${readFileSync(path.join(directory, file), 'utf8').trim()}\n`
  })
  writeFileSync(path.join(staging, 'THIRD-PARTY-LICENSES.txt'), texts.join(`\n${'-'.repeat(80)}\n\n`))
}

/** The names come from the built file itself: what `require` gives is what `import` gives. */
function writeModule() {
  const names = Object.keys(createRequire(import.meta.url)(path.join(staging, 'index.js'))).sort()
  if (names.length === 0) throw new Error('src/index.ts exports nothing')
  const lines = names.map((name) => `  ${name},\n`).join('')
  writeFileSync(path.join(staging, 'index.mjs'), `export {\n${lines}} from './index.js'\n`)
}

function run(script, args) {
  const result = spawnSync(process.execPath, [path.join(root, 'node_modules', script), ...args], {
    cwd: root,
    encoding: 'utf8',
  })
  if (result.status !== 0) throw new Error(`${script} failed:\n${result.stdout}${result.stderr}`)
}

function writeTypes() {
  const types = path.join(staging, 'index.d.ts')
  run('dts-bundle-generator/dist/bin/dts-bundle-generator.js', [
    ...['--project', 'tsconfig.build.json', '--no-check', '--export-referenced-types=false', '--no-banner', '--silent'],
    ...['--out-file', types, 'src/index.ts'],
  ])
  const declarations = readFileSync(types, 'utf8')
  // Symbol.dispose and Symbol.asyncDispose are not in the es2022 library: bring the declarations along.
  writeFileSync(types, `/// <reference lib="esnext.disposable" />\n${declarations}`)
  writeFileSync(path.join(staging, 'index.d.mts'), `export * from './index.js'\n`)
}

try {
  for (const entry of [...libraries, program]) {
    if (!existsSync(path.join(root, entry))) throw new Error(`${entry} is missing`)
  }
  mkdirSync(staging, { recursive: true })
  await bundle()
  // npm does this when it installs; a clone has it from here.
  chmodSync(path.join(staging, 'cli.js'), 0o755)
  writeModule()
  writeTypes()
  rmSync(finished, { recursive: true, force: true })
  renameSync(staging, finished)
} catch (error) {
  fail(error instanceof Error ? error.message : String(error))
} finally {
  rmSync(staging, { recursive: true, force: true })
}
