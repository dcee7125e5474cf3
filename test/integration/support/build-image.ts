import { text } from 'node:stream/consumers'
import type Docker from 'dockerode'
import { pack as packTar } from 'tar-stream'

/** Builds an image that says of its containers what a Dockerfile can; answers its name. The caller removes it. */
export async function buildImage(
  docker: Docker,
  name: string,
  dockerfile: string[],
  files: Record<string, string> = {},
): Promise<string> {
  const context = packTar()
  context.entry({ name: 'Dockerfile' }, dockerfile.join('\n'))
  for (const [path, content] of Object.entries(files)) context.entry({ name: path, mode: 0o755 }, content)
  context.finalize()
  const said = await text(
    await docker.buildImage(context as unknown as NodeJS.ReadableStream, { t: name, forcerm: true }),
  )
  if (said.includes('"error"')) throw new Error(said)
  return name
}
