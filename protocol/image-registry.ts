/** Where an image is kept, read from its reference as Docker reads it. */

/** Names that Docker takes for Docker Hub. */
const DOCKER_HUB = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io', 'registry.hub.docker.com'])

/**
 * Registry and path of a repository (a reference without tag and digest): Docker Hub, as `docker.io`, where none is named.
 *
 * @example registryOf('ghcr.io/owner/name') // { host: 'ghcr.io', path: 'owner/name' }
 */
export function registryOf(repository: string): { host: string; path: string } {
  const [first = '', ...rest] = repository.split('/')
  const hasHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase())
  const host = hasHost ? registryHost(first) : 'docker.io'
  const path = hasHost ? rest.join('/') : repository
  return { host, path: host === 'docker.io' && !path.includes('/') ? `library/${path}` : path }
}

/** One spelling for a registry, however credentials or references name it: in lower case, without scheme and path. */
export function registryHost(address: string): string {
  const host = address
    .toLowerCase()
    .replace(/^https?:\/\//, '')
    .replace(/\/.*$/, '')
    .replace(/:443$/, '')
  return DOCKER_HUB.has(host) ? 'docker.io' : host
}

/** The registry of an image reference. */
export function registryOfImage(image: string): string {
  return registryOf(image.replace(/@.*$/, '').replace(/:[^/]*$/, '')).host
}
