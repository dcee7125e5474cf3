/**
 * `npm run package`: what people install, in `packages/`: an archive and a Debian package for each processor, a Helm chart and
 * a formula for Homebrew, the same bytes from the same sources. `npm run package -- --arch x64 --fast --out FOLDER` makes those
 * of one processor, packed less; `--downloads URL` says from where the formula fetches the archives.
 */
import { createHash } from 'node:crypto'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { makeChart } from './packaging/chart.ts'
import { makeDeb } from './packaging/deb.ts'
import { run } from './packaging/files.ts'
import { type Archive, makeFormula, noDownloads } from './packaging/formula.ts'
import { ARCHES } from './packaging/node-binary.ts'
import { layOut, makeProgram, makeTarball } from './packaging/tree.ts'

const root = join(import.meta.dirname, '..')
const { values } = parseArgs({
  options: {
    arch: { type: 'string', multiple: true, default: [...ARCHES] },
    fast: { type: 'boolean', default: false },
    out: { type: 'string', default: join(root, 'packages') },
    downloads: { type: 'string' },
  },
})
const arches = ARCHES.filter((arch) => values.arch.includes(arch))
const unknown = values.arch.find((arch) => !(ARCHES as readonly string[]).includes(arch))
if (unknown !== undefined) throw new Error(`--arch ${unknown}: there are ${ARCHES.join(' and ')}`)

const out = resolve(values.out)
await mkdir(out, { recursive: true })
const work = join(out, '.work')
const epoch = await sourceTime()
try {
  console.log('building the program …')
  const program = await makeProgram(join(work, 'program'))
  const files: string[] = []
  const archives: Archive[] = []
  for (const arch of arches) {
    const laid = join(work, arch)
    await layOut(program, arch, laid, epoch)
    const name = `cortex-node-${program.version}-linux-${arch}`
    console.log(`packing for ${arch} …`)
    const file = await makeTarball(laid, name, out, { epoch, level: values.fast ? 1 : 9 })
    archives.push({ arch, file, digest: await digestOf(file) })
    files.push(file)
    const version = `${program.version}-1`
    files.push(await makeDeb(laid, { arch, version, out, epoch, level: values.fast ? 0 : 6 }))
  }
  const { version } = program
  files.push(await makeChart(out, version, epoch))
  files.push(await makeFormula(archives, { version, downloads: values.downloads ?? noDownloads(version), out }))
  const sums = await Promise.all(files.map(async (file) => `${await digestOf(file)}  ${basename(file)}\n`))
  await writeFile(join(out, 'SHA256SUMS'), sums.join(''))
  process.stdout.write(sums.join(''))
} finally {
  await rm(work, { recursive: true, force: true })
}

/** In s: that of the last commit, unless `SOURCE_DATE_EPOCH` says another. */
async function sourceTime(): Promise<number> {
  const given = process.env.SOURCE_DATE_EPOCH
  const text = given ?? (await run('git', ['log', '-1', '--format=%ct'], { cwd: root }))
  if (!/^\d+\s*$/.test(text)) throw new Error('SOURCE_DATE_EPOCH must be seconds since 1970')
  return Number(text)
}

async function digestOf(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex')
}
