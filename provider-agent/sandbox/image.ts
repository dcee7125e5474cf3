import { createHash } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import type Docker from 'dockerode'
import { pack as packTar } from 'tar-stream'
import type { Abort } from '../engine/ask-engine.ts'
import { statusOf } from '../engine/errors.ts'
import { importImage } from '../engine/import-image.ts'
import type { Programs } from './program.ts'

/** Path in the image of the program that keeps a network alive; see {@link Programs}. */
export const HOLD = '/hold'
/** Path in the image of the program that tries a sandbox out. */
export const LISTEN = '/listen'
/** Path in the image of the program that proves a runtime, and of the one that does without a network that is reached. */
export const PROVE = '/prove'
/** See {@link PROVE}. */
export const TELL = '/tell'

/**
 * Makes the image of sandboxes and proofs present, without a registry: programs of less than 512 bytes each. It stays on the engine,
 * for the next start and for other agents. Answers its name, which says what is in it.
 */
export async function ensureSandboxImage(docker: Docker, programs: Programs, abort: Abort): Promise<string> {
  const files = [
    [HOLD, programs.hold],
    [LISTEN, programs.listen],
    [PROVE, programs.prove],
    [TELL, programs.tell],
  ] as const
  const hash = createHash('sha256')
  for (const [, bytes] of files) hash.update(bytes)
  const tag = hash.digest('hex').slice(0, 12)
  const image = `cortex-node/sandbox:${tag}`
  try {
    // dockerode hands every option on; its types do not know this one.
    await docker.getImage(image).inspect(abort as Docker.ImageInspectOptions)
    return image
  } catch (error) {
    if (statusOf(error) !== 404) throw error
  }
  const root = packTar()
  for (const [path, bytes] of files) {
    root.entry({ name: path.slice(1), mode: 0o555, mtime: new Date(0) }, Buffer.from(bytes))
  }
  root.finalize()
  await importImage(docker, image, await buffer(root), abort)
  return image
}
