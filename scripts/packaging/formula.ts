import { readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Arch } from './node-binary.ts'

/** As Homebrew names processors. */
const BLOCKS = { x64: 'on_intel', arm64: 'on_arm' } as const satisfies Record<Arch, string>

const source = join(import.meta.dirname, '../../packaging/homebrew/cortex-node.rb')

/** An archive that a formula installs. */
export interface Archive {
  arch: Arch
  file: string
  /** SHA-256 in hex. */
  digest: string
}

/** Where archives are fetched from unless it is said: nowhere, for the project has no place of its own. */
export function noDownloads(version: string): string {
  return `https://cortex-node.invalid/releases/v${version}`
}

/** Writes the formula for Homebrew; answers its path. @param downloads URL of the folder that has the archives */
export async function makeFormula(
  archives: readonly Archive[],
  { version, downloads, out }: { version: string; downloads: string; out: string },
): Promise<string> {
  const blocks = archives.map(({ arch, file, digest }) =>
    [`  ${BLOCKS[arch]} do`, `    url "${downloads}/${basename(file)}"`, `    sha256 "${digest}"`, '  end', ''].join(
      '\n',
    ),
  )
  const fields = { VERSION: version, DOWNLOADS: downloads, ARCHIVES: blocks.join('\n') }
  const template = await readFile(source, 'utf8')
  const path = join(out, 'cortex-node.rb')
  await writeFile(
    path,
    template.replaceAll(/@([A-Z]+)@/g, (_all, field: keyof typeof fields) => fields[field]),
  )
  return path
}
