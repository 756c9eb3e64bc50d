/**
 * The layer table (config/layers.json) against the imports of a tree.
 *
 * A row names a folder or a root file under src. The most specific row that covers a file is its layer; a file may import
 * its own layer and what the row lists. A row nested in another (runtime/node in runtime) is a layer of its own: to list
 * the outer one does not let the inner one in.
 */
import { builtinModules } from 'node:module'
import type { Tree } from './source-files'
import { importsOf, resolveImport } from './source-files'

/** One row of the table. */
export interface LayerRow {
  readonly path: string
  readonly mayImport: readonly string[]
  readonly packages: readonly string[]
  readonly what: string
}

/** Packages that some files may import beyond what their row says, and why. */
export interface ExceptionRow {
  readonly path: string
  readonly packages: readonly string[]
  readonly reason: string
}

/** The table. */
export interface LayerTable {
  readonly layers: readonly LayerRow[]
  readonly exceptions: readonly ExceptionRow[]
}

/** One sentence for each import that the table does not allow, and for each file that it does not cover. */
export function findLayerViolations(tree: Tree, table: LayerTable): string[] {
  return [...tree].flatMap(([file, text]) => {
    const layer = layerOf(file, table)
    if (layer === undefined) return [`${file} belongs to no layer`]
    return importsOf(file, text).flatMap(({ specifier, line }) => {
      const target = resolveImport(file, specifier, tree)
      const why =
        target.kind === 'missing'
          ? 'which is no file under src'
          : target.kind === 'package'
            ? whyNotPackage(file, normalized(target.name), layer, table)
            : whyNotFile(target.path, layer, table)
      return why === undefined ? [] : [`${file}:${line} imports '${specifier}', ${why}`]
    })
  })
}

/** One sentence for each row that names a layer that does not exist, gives no reason, or makes a circle of layers. */
export function findTableDefects(table: LayerTable): string[] {
  const known = table.layers.map((row) => row.path)
  const reaches = (from: string, to: string, seen: Set<string>): boolean =>
    (table.layers.find((row) => row.path === from)?.mayImport ?? []).some((next) => {
      if (next === to) return true
      if (seen.has(next)) return false
      seen.add(next)
      return reaches(next, to, seen)
    })
  return [
    ...known.filter((name, index) => known.indexOf(name) !== index).map((name) => `${name} has two rows`),
    ...known.filter((name) => reaches(name, name, new Set())).map((name) => `${name} may import itself in a circle`),
    ...table.layers.flatMap((row) =>
      row.mayImport
        .filter((name) => !known.some((layer) => covers(layer, name)))
        .map((name) => `${row.path} may import ${name}, which no row covers`),
    ),
    ...table.exceptions
      .filter((row) => row.reason.length < 20)
      .map((row) => `${row.path} is excepted without a reason`),
    ...table.exceptions
      .filter((row) => !known.some((layer) => covers(layer, row.path)))
      .map((row) => `${row.path} is excepted but belongs to no layer`),
  ]
}

function covers(row: string, name: string): boolean {
  return name === row || name.startsWith(`${row}/`)
}

function layerOf(file: string, table: LayerTable): LayerRow | undefined {
  const inside = file.replace(/^src\//, '')
  return table.layers
    .filter((row) => covers(row.path, inside))
    .sort((a, b) => b.path.length - a.path.length)
    .at(0)
}

function whyNotFile(target: string, layer: LayerRow, table: LayerTable): string | undefined {
  const inside = target.replace(/^src\//, '')
  const owner = layerOf(target, table)
  if (owner === layer) return undefined
  // A listed name opens a layer as a whole, or one file or folder in it.
  const allowed = layer.mayImport.some(
    (name) => owner?.path === name || (owner?.path !== inside && isPartOf(name, owner)),
  )
  return allowed ? undefined : `but ${layer.path} may import only ${layer.mayImport.join(', ') || 'itself'}`

  function isPartOf(name: string, row: LayerRow | undefined): boolean {
    return row !== undefined && covers(row.path, name) && covers(name, inside)
  }
}

function whyNotPackage(file: string, name: string, layer: LayerRow, table: LayerTable): string | undefined {
  const inside = file.replace(/^src\//, '')
  const excepted = table.exceptions.filter((row) => covers(row.path, inside))
  const allowed = [layer, ...excepted].flatMap((row) => row.packages)
  if (allowed.includes(name) || (name.startsWith('node:') && allowed.includes('node:*'))) return undefined
  return `but ${layer.path} may import only these packages: ${allowed.join(', ') || 'none'}`
}

/** `fs` and `node:fs` are one module. */
function normalized(name: string): string {
  return builtinModules.includes(name) && !name.startsWith('node:') ? `node:${name}` : name
}
