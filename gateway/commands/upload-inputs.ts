import { givenSources } from '../../node/commands/input-flags.ts'
import type { JobFlags } from '../../node/commands/job-flags.ts'
import { statusLine } from '../../node/commands/output.ts'
import { digestOfInput, fromOffset, localInput } from '../../node/inputs/local-tar.ts'
import { shownBytes } from '../../protocol/units.ts'
import type { CortexClient } from '../client/index.ts'

/** Gives the gateway what `--input` and `-i` name and it does not have yet; answers what the job says of it. */
export async function uploadInputs(client: CortexClient, flags: JobFlags) {
  const status = statusLine()
  async function give(path: string): Promise<string> {
    status.now(`reading ${path}`)
    const input = await localInput(path)
    const { digest, bytes } = await digestOfInput(input)
    for (const odd of input.leftOut()) status.done(`${path}: ${odd}, and is left out`)
    const there = await client.uploads.find(digest)
    if (there !== null && there.type === typeOf(input)) return digest
    const onProgress = (done: number): void =>
      status.now(`uploading ${path} (${shownBytes(done)} of ${shownBytes(bytes)})`)
    const source = (offset: number) => fromOffset(input.open(), offset)
    const upload = await client.uploads.create(source, { type: typeOf(input), name: input.name, onProgress })
    return upload.digest ?? digest
  }
  try {
    return await givenSources(flags, give)
  } finally {
    status.stop()
  }
}

function typeOf({ folder }: { folder: boolean }): 'file' | 'folder' {
  return folder ? 'folder' : 'file'
}
