import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { OutputAsset, OutputChunk, RolldownPlugin } from 'rolldown'
import { FAULTY_PROGRAM, STAND_INS } from '../../test/faults/support/stand-ins.ts'
import { bundling } from '../bundling.ts'
import { FAULTY_PROGRAM_VARIABLE, PROGRAM_VARIABLE, SOURCE } from './programs.ts'

const root = join(import.meta.dirname, '../..')
/** Where packages that are in no bundle are found, and always the same: what Node compiled of it is kept by its path. */
const folder = join(root, 'node_modules/.cache/cortex-tests')
/** What no run has made anew for so long is removed, in ms: none that began with it is still there. */
const KEPT_MS = 24 * 3_600_000

/**
 * Makes the programs that most tests start, of few files: from the source a gateway takes twice the time of a core, and
 * tests start hundreds. What a module finds beside itself, and the processes that it starts, are those of the source.
 *
 * @returns variables for the environment of tests, by which {@link PROGRAM} is found
 */
export async function bundledPrograms(): Promise<Record<string, string>> {
  const [program, faulty] = await Promise.all([
    bundled('cortex', SOURCE, []),
    bundled('faulty-cortex', FAULTY_PROGRAM, [standingIn(STAND_INS)]),
  ])
  return { [PROGRAM_VARIABLE]: program, [FAULTY_PROGRAM_VARIABLE]: faulty }
}

/** @returns path of the file that begins it */
async function bundled(name: string, program: string, plugins: RolldownPlugin[]): Promise<string> {
  const own = join(folder, name)
  const { output } = await bundling({ root, input: { [name]: program }, plugins, place: (path) => inSource(path) })
  await mkdir(own, { recursive: true })
  const isEntry = (file: OutputChunk | OutputAsset): boolean => file.type === 'chunk' && file.isEntry
  const begins = output.filter(isEntry)
  // That which begins it is the last: whoever starts it meanwhile has the one or the other whole, as the names of all others
  // say what is in them.
  for (const files of [output.filter((file) => !begins.includes(file)), begins]) {
    await Promise.all(files.map(async (file) => await write(join(own, file.fileName), textOf(file))))
  }
  await removeOld(own, new Set(output.map(({ fileName }) => fileName)))
  return join(own, `${name}.js`)
}

function inSource(path: string): { dirname: string; filename: string; url: string } {
  const filename = join(root, path)
  const [dir, file, url] = [dirname(filename), filename, pathToFileURL(filename).href].map((text) =>
    JSON.stringify(text),
  )
  return { dirname: dir ?? '', filename: file ?? '', url: url ?? '' }
}

/** Has one module be another wherever it is imported, but in that one. */
function standingIn(standIns: ReadonlyMap<string, string>): RolldownPlugin {
  const names = new Set([...standIns.keys()].map((path) => basename(path)))
  return {
    name: 'standing-in',
    async resolveId(source, importer, { kind }) {
      if (!names.has(basename(source))) return null
      const found = await this.resolve(source, importer, { kind, skipSelf: true })
      const standIn = found === null ? undefined : standIns.get(found.id)
      return standIn === importer ? null : (standIn ?? null)
    },
  }
}

function textOf(file: OutputChunk | OutputAsset): string | Uint8Array {
  return file.type === 'chunk' ? file.code : file.source
}

/** Whole or not at all, whoever else writes it. */
async function write(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${path}.${process.pid}`
  await writeFile(temporary, content)
  await rename(temporary, path)
}

async function removeOld(folder: string, used: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(folder)) {
    if (used.has(name)) continue
    const path = join(folder, name)
    const written = await stat(path).catch(() => null) // another run may have removed it
    if (written !== null && Date.now() - written.mtimeMs > KEPT_MS) await rm(path, { force: true })
  }
}
