/**
 * The shape of a source file that lint cannot see whole: its size, its header, its name and the names it declares.
 *
 * A header is a comment that begins the file and holds a whole sentence. Names are those that the file declares
 * (functions, classes, types, variables, members), taken apart into words at capitals, digits and underscores.
 */
import path from 'node:path'
import ts from 'typescript'
import type { Tree } from './source-files'

/** The most lines of a source file. */
export const fileLinesMax = 400

const headerCharsMin = 40
const bannedWords = new Set(['manager', 'helper', 'helpers', 'util', 'utils', 'impl', 'timestamp', 'timestamps'])

/** The files that are longer than `fileLinesMax` lines. */
export function findLongFiles(tree: Tree): string[] {
  return [...tree].flatMap(([file, text]) => {
    const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
    return lines > fileLinesMax ? [`${file} has ${lines} lines, ${fileLinesMax} are allowed`] : []
  })
}

/** The files that do not begin with a comment that says what they are for. */
export function findMissingHeaders(tree: Tree): string[] {
  return [...tree].flatMap(([file, text]) => {
    const first = ts.getLeadingCommentRanges(text, 0)?.at(0)
    if (first === undefined || text.slice(0, first.pos).trim() !== '') return [`${file} has no header comment`]
    const header = text.slice(first.pos, first.end)
    const words = header.replace(/^\s*(\/\*\*?|\*\/|\*|\/\/)/gm, ' ').replace(/\*\/$/, '')
    const sentence = words.replace(/\s+/g, ' ').trim()
    if (/eslint|prettier|@ts-/.test(sentence)) return [`${file} begins with a directive, not with a header comment`]
    return sentence.length < headerCharsMin ? [`${file} has a header of ${sentence.length} characters only`] : []
  })
}

/** The files whose names are not lower-case words joined by hyphens. */
export function findBadFileNames(tree: Tree): string[] {
  return [...tree.keys()].flatMap((file) =>
    file.split('/').every((part) => /^[a-z0-9]+(-[a-z0-9]+)*(\.ts)?$/.test(part))
      ? []
      : [`${file} is not in kebab case`],
  )
}

/** The names, of files and of what they declare, that hold a word which says nothing or means something else here. */
export function findBannedWords(tree: Tree): string[] {
  return [...tree].flatMap(([file, text]) => {
    const names = [path.posix.basename(file, '.ts'), ...declaredNames(file, text)]
    return [...new Set(names)].flatMap((name) => {
      const word = wordsOf(name).find((part) => bannedWords.has(part))
      return word === undefined ? [] : [`${file} names something ${name}: "${word}" is not used in names`]
    })
  })
}

function declaredNames(file: string, text: string): string[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true, ts.ScriptKind.TS)
  const names: string[] = []
  const visit = (node: ts.Node): void => {
    const { name } = node as { readonly name?: ts.Node }
    const isName = name !== undefined && (ts.isIdentifier(name) || ts.isPrivateIdentifier(name))
    if (isName && !isNamedElsewhere(node)) names.push(name.getText(source))
    ts.forEachChild(node, visit)
  }
  visit(source)
  return names
}

/** What others have named is theirs: imports, and members that are used. */
function isNamedElsewhere(node: ts.Node): boolean {
  if (ts.isImportSpecifier(node) || ts.isImportClause(node) || ts.isNamespaceImport(node)) return true
  return ts.isPropertyAccessExpression(node) || ts.isMetaProperty(node)
}

function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .split(/[^A-Za-z]+/)
    .map((word) => word.toLowerCase())
}
