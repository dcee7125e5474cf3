import { createReadStream } from 'node:fs'
import { type GivePart, givenLocalImage } from '../../node/commands/give-image.ts'
import { givenSources } from '../../node/commands/input-flags.ts'
import type { JobFlags } from '../../node/commands/job-flags.ts'
import { type StatusLine, statusLine } from '../../node/commands/status-line.ts'
import { digestOfInput, fromOffset, localInput } from '../../node/inputs/local-tar.ts'
import type { CortexClient } from '../client/index.ts'

/**
 * Gives the gateway what `--send-image`, `--build`, `--input` and `-i` name and it does not have yet; answers what the job says
 * of it.
 */
export async function uploadInputs(client: CortexClient, image: string, flags: JobFlags) {
  const status = statusLine()
  async function give(path: string): Promise<string> {
    status.now(`reading ${path}`)
    const input = await localInput(path)
    const { digest, bytes } = await digestOfInput(input)
    for (const odd of input.leftOut()) status.done(`${path}: ${odd}, and is left out`)
    const there = await client.uploads.find(digest)
    if (there !== null && there.type === typeOf(input)) return digest
    const onProgress = (done: number): void => status.progress(`uploading ${path}`, done, bytes)
    const source = (offset: number) => fromOffset(input.open(), offset)
    const upload = await client.uploads.create(source, { type: typeOf(input), name: input.name, onProgress })
    return upload.digest ?? digest
  }
  try {
    const brought = await givenLocalImage(image, flags, partGiver(client, image, status), status)
    return { ...brought, ...(await givenSources(flags, give)) }
  } finally {
    status.stop()
  }
}

/** Uploads parts of an image that the gateway lacks. */
export function partGiver({ uploads }: CortexClient, image: string, status: StatusLine): GivePart {
  return async ({ digest, bytes, path }, name) => {
    if ((await uploads.find(digest)) !== null) return false
    const onProgress = (done: number): void => status.progress(`uploading a part of ${image}`, done, bytes)
    await uploads.create((start) => createReadStream(path, { start }), { name, onProgress })
    return true
  }
}

function typeOf({ folder }: { folder: boolean }): 'file' | 'folder' {
  return folder ? 'folder' : 'file'
}
