/**
 * The source tree as the checks of the architecture see it: text by path, and who imports whom.
 *
 * Imports are found with the TypeScript parser, so that type imports, re-exports, `import()` expressions, `import('...')`
 * types and `require` calls count alike. Paths are relative to the repository, with forward slashes. Everything but
 * `readTree` is pure, so each check is shown to fail on a small made-up tree.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import ts from 'typescript'

/** The top of the repository. */
export const repository = path.resolve(__dirname, '../..')

/** Texts by path. */
export type Tree = ReadonlyMap<string, string>

/** One import as written. */
export interface Import {
  readonly specifier: string
  /** Counts from 1. */
  readonly line: number
}

/** Where an import leads: to a file of the tree, to a package, or nowhere. */
export type Target =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'package'; readonly name: string }
  | { readonly kind: 'missing' }

/** Every file under `folder` whose name ends in `ending`, in order of path; an absent folder is empty. */
export function readTree(folder: string, ending: string): Tree {
  const tree = new Map<string, string>()
  const top = path.join(repository, folder)
  if (!existsSync(top)) return tree
  const names = readdirSync(top, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith(ending))
  for (const name of names.sort()) {
    tree.set(path.posix.join(folder, name.split(path.sep).join('/')), readFileSync(path.join(top, name), 'utf8'))
  }
  return tree
}

/** Every import of a file, of whatever form, in order of position. */
export function importsOf(file: string, text: string): Import[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true, ts.ScriptKind.TS)
  const found: Import[] = []
  const note = (node: ts.Node, specifier: ts.Node | undefined): void => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return
    found.push({ specifier: specifier.text, line: source.getLineAndCharacterOfPosition(node.getStart()).line + 1 })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) note(node, node.moduleSpecifier)
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) note(node, node.argument.literal)
    else if (ts.isExternalModuleReference(node)) note(node, node.expression)
    else if (ts.isCallExpression(node) && isImportCall(node)) note(node, node.arguments[0])
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

function isImportCall(call: ts.CallExpression): boolean {
  if (call.expression.kind === ts.SyntaxKind.ImportKeyword) return true
  return ts.isIdentifier(call.expression) && call.expression.text === 'require'
}

/** What `specifier`, written in the file `from`, leads to. */
export function resolveImport(from: string, specifier: string, tree: Tree): Target {
  if (!specifier.startsWith('.')) return { kind: 'package', name: specifier }
  const plain = path.posix.join(path.posix.dirname(from), specifier)
  const found = [plain, `${plain}.ts`, `${plain}/index.ts`, plain.replace(/\.js$/, '.ts')].find((name) =>
    tree.has(name),
  )
  return found === undefined ? { kind: 'missing' } : { kind: 'file', path: found }
}

/** The files each file imports, types included. */
export function importGraph(tree: Tree): Map<string, string[]> {
  const graph = new Map<string, string[]>()
  for (const [file, text] of tree) {
    const targets = importsOf(file, text).map(({ specifier }) => resolveImport(file, specifier, tree))
    graph.set(file, [...new Set(targets.flatMap((target) => (target.kind === 'file' ? [target.path] : [])))])
  }
  return graph
}
