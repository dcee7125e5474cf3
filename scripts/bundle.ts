/**
 * `node scripts/bundle.ts DIST`, after the compiler: makes `DIST/program`, the program `cortex` with its packages in few files,
 * and has `DIST/bin/main.js` begin it. From 1,500 modules a gateway starts in twice the time and with a third more of memory.
 * What programs import, and the processes that the program starts, stay as the compiler made them. See
 * docs/decisions/0002-node-24-and-type-stripping.md.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RolldownOutput } from 'rolldown'
import { bundling, type Place } from './bundling.ts'

const root = join(import.meta.dirname, '..')
const [dist = join(root, 'dist')] = process.argv.slice(2)
const folder = join(dist, 'program')

const output = await bundling({ root, input: { main: join(root, 'bin/main.ts') }, place: compiled })
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
for (const file of output.output) {
  writeFileSync(join(folder, file.fileName), file.type === 'chunk' ? file.code : file.source)
}
writeFileSync(join(dist, 'bin/main.js'), "import '../program/main.js'\n")
writeFileSync(join(folder, 'LICENSES.txt'), termsOf(output))

/** Where the compiler puts a module, seen from the bundle. */
function compiled(path: string): Place {
  const own = `/../${path.replace(/\.ts$/, '.js')}`
  return {
    dirname: `(import.meta.dirname + '${own.slice(0, own.lastIndexOf('/'))}')`,
    filename: `(import.meta.dirname + '${own}')`,
    url: `new URL('.${own}', import.meta.url).href`,
  }
}

/** The terms of every package of which something is in the bundle. */
function termsOf({ output }: RolldownOutput): string {
  const modules = output.flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []))
  const folders = modules.flatMap((id) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? [])
  const parts = [...new Set(folders)].toSorted().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    const files = readdirSync(folder).filter((file) => /^(?:licen[cs]e|copying|notice)/i.test(file))
    const texts = files.toSorted().map((file) => readFileSync(join(folder, file), 'utf8').trim())
    return [`${name}@${version}\n${license}`, ...texts].join('\n\n')
  })
  return `${parts.join(`\n\n${'='.repeat(78)}\n\n`)}\n`
}
