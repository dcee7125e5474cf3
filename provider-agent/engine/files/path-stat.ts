import { z } from 'zod'
import type { FileType } from '../../../protocol/file-messages.ts'
import type { ContainerFile } from '../file-access.ts'

/** What engines say of a path, in a header; the mode is in the bits of Go's `fs.FileMode`. */
const statSchema = z.object({
  name: z.string(),
  size: z.number(),
  mode: z.number().int().min(0),
  mtime: z.string(),
  linkTarget: z.string().default(''),
})

/** Go's bits, from the highest down. */
const GO_BITS = { folder: 2 ** 31, link: 2 ** 27, device: 2 ** 26, pipe: 2 ** 25, socket: 2 ** 24 } as const
const GO_SPECIAL = [
  [2 ** 23, 0o4000],
  [2 ** 22, 0o2000],
  [2 ** 20, 0o1000],
] as const

/** @returns besides, where a link leads in the end */
export function readPathStat(header: string): { file: ContainerFile; leadsTo: string } {
  const { name, size, mode, mtime, linkTarget } = statSchema.parse(JSON.parse(Buffer.from(header, 'base64').toString()))
  const type = typeOf(mode)
  const file: ContainerFile = {
    ...{ name, type },
    size: type === 'file' ? size : 0,
    mode: permissionsOf(mode),
    mtimeMs: Date.parse(mtime) || 0,
    target: type === 'link' ? linkTarget : '',
  }
  return { file, leadsTo: linkTarget }
}

function typeOf(mode: number): FileType {
  for (const [type, bit] of Object.entries(GO_BITS)) if (has(mode, bit)) return type as keyof typeof GO_BITS
  return 'file'
}

function permissionsOf(mode: number): number {
  return GO_SPECIAL.reduce((all, [bit, ours]) => (has(mode, bit) ? all | ours : all), mode % 0o1000)
}

/** Beyond what JavaScript's own operators take. */
function has(mode: number, bit: number): boolean {
  return Math.floor(mode / bit) % 2 === 1
}
