import type Docker from 'dockerode'

/** Names that pulls gave to images on an engine, as far as they match. */
export async function pulledNames(docker: Docker, pattern: RegExp): Promise<string[]> {
  const images = await docker.listImages()
  const names = images.flatMap(({ RepoTags: tags }) => tags ?? [])
  return names.filter((name) => /^(localhost\/)?cortex-node\/(public|private)\//.test(name) && pattern.test(name))
}

/** Takes from an engine what was pulled from a registry. */
export async function removePulled(docker: Docker, host: string): Promise<void> {
  const names = await pulledNames(docker, new RegExp(`/${host.replace(':', '_')}/`))
  for (const name of names) await docker.getImage(name).remove({ force: true })
}
