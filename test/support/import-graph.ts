/**
 * Who imports whom. Written here, on a parser, as the tools for it (dependency-cruiser, madge, skott) read TypeScript
 * through the compiler's JavaScript API, which TypeScript 7 no longer has (November 2026).
 */
import { globSync, readFileSync } from 'node:fs'
import { join, normalize } from 'node:path'
import { parseSync, type Span, Visitor } from 'oxc-parser'

export interface Import {
  /** Path of the importing module under the root. */
  from: string
  /** Path of the imported one under the root, or what a package or a module of Node is called. */
  to: string
  isRelative: boolean
  /** Nothing of it is there at run time, or only once some code asks for it. */
  isDeferred: boolean
}

/** The modules under the folders of `root`, generated ones apart: the path of each under the root, and its text. */
export function readSources(root: string, folders: string[]): [file: string, source: string][] {
  const files = folders.flatMap((folder) =>
    globSync(`${folder}/**/*.{ts,tsx}`, { cwd: root, exclude: ['**/gen/**', '**/node_modules/**'] }),
  )
  return files.map((file) => [file, readFileSync(join(root, file), 'utf8')])
}

/** All imports of the modules under the folders of `root`, generated ones apart. */
export function readImports(root: string, folders: string[]): Import[] {
  return readSources(root, folders).flatMap(([file, source]) => importsOf(file, source))
}

/** The functions of one module: what each is called, or given to, and how many lines it takes. */
export function functionsOf(file: string, source: string): { file: string; name: string; lines: number }[] {
  const found: { file: string; name: string; lines: number }[] = []
  const lineBreaks = (text: string): number => text.split('\n').length
  const see = (node: Span & { id?: { name: string } | null }): void => {
    const before = source.slice(0, node.start)
    const name = node.id?.name ?? /(\w+)\s*[:=]\s*(?:async\s*)?$/.exec(before)?.[1] ?? 'anonymous'
    found.push({ file, name, lines: lineBreaks(source.slice(node.start, node.end)) })
  }
  new Visitor({ FunctionDeclaration: see, FunctionExpression: see, ArrowFunctionExpression: see }).visit(
    parseSync(file, source).program,
  )
  return found
}

/** What a module declares and exports without a docstring directly before it, by name; a comment on the file is none. */
export function silentExportsOf(file: string, source: string): { file: string; name: string }[] {
  const { program, comments } = parseSync(file, source)
  const docstrings = comments.filter(({ type, value }) => type === 'Block' && value.startsWith('*'))
  const isDirect = (between: string): boolean => /^[ \t]*\n?[ \t]*$/.test(between)
  return program.body.flatMap((node) => {
    if (node.type !== 'ExportNamedDeclaration' || node.declaration === null) return []
    const last = docstrings.findLast(({ end }) => end <= node.start)
    if (last !== undefined && isDirect(source.slice(last.end, node.start))) return []
    const name = /\b(?:function\*?|const|let|interface|class|type)\s+(\w+)/.exec(source.slice(node.start, node.end))
    return [{ file, name: name?.[1] ?? 'anonymous' }]
  })
}

/** The imports of one module, `file` being its path under the root. */
export function importsOf(file: string, source: string): Import[] {
  const { module, errors } = parseSync(file, source)
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`)
  const found: { specifier: string; isDeferred: boolean }[] = []
  for (const { moduleRequest, entries } of module.staticImports) {
    found.push({ specifier: moduleRequest.value, isDeferred: entries.length > 0 && entries.every((e) => e.isType) })
  }
  for (const { entries } of module.staticExports) {
    for (const { moduleRequest, isType } of entries) {
      if (moduleRequest) found.push({ specifier: moduleRequest.value, isDeferred: isType })
    }
  }
  for (const { moduleRequest } of module.dynamicImports) {
    const expression = source.slice(moduleRequest.start, moduleRequest.end)
    const literal = /^(['"`])([^$]*)\1$/.exec(expression)?.[2]
    if (literal !== undefined) found.push({ specifier: literal, isDeferred: true })
  }
  return found.map(({ specifier, isDeferred }) => {
    const isRelative = specifier.startsWith('.')
    return { from: file, to: isRelative ? normalize(join(file, '..', specifier)) : specifier, isRelative, isDeferred }
  })
}

/** One cycle among the imports, as `['a.ts', 'b.ts', 'a.ts']`; null where there is none. Those of types count as well. */
export function findCycle(imports: Import[]): string[] | null {
  const edges = Map.groupBy(
    imports.filter((each) => each.isRelative),
    (each) => each.from,
  )
  const done = new Set<string>()
  const path: string[] = []

  function visit(module: string): string[] | null {
    if (path.includes(module)) return [...path.slice(path.indexOf(module)), module]
    if (done.has(module)) return null
    path.push(module)
    for (const { to } of edges.get(module) ?? []) {
      const cycle = visit(to)
      if (cycle) return cycle
    }
    path.pop()
    done.add(module)
    return null
  }

  for (const module of edges.keys()) {
    const cycle = visit(module)
    if (cycle) return cycle
  }
  return null
}
