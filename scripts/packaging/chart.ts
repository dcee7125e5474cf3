import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { settle, tarball } from './files.ts'

const source = join(import.meta.dirname, '../../packaging/helm')

/** Lays out the Helm chart of a version in a folder, as `helm` takes it. */
export async function layOutChart(folder: string, version: string): Promise<void> {
  await cp(source, folder, { recursive: true })
  const path = join(folder, 'Chart.yaml')
  await writeFile(path, (await readFile(path, 'utf8')).replaceAll('@VERSION@', version))
}

/** Makes the archive of the chart that `helm install` takes; answers its path. @param epoch time of all files, in s */
export async function makeChart(out: string, version: string, epoch: number): Promise<string> {
  const work = join(out, '.chart')
  await rm(work, { recursive: true, force: true })
  await layOutChart(join(work, 'cortex-node'), version)
  await settle(work, new Set(), epoch)
  const file = join(out, `cortex-node-${version}.tgz`)
  await tarball(work, 'cortex-node', file, epoch, 9)
  await rm(work, { recursive: true })
  return file
}
