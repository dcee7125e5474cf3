/** Where engines usually listen. */
export const USUAL_SOCKET = '/var/run/docker.sock'

/** As requests of `node:http` are told it. */
export type EngineAddress = { socketPath: string } | { protocol: 'http:'; host: string; port: number }

/**
 * An engine's address as `DOCKER_HOST` writes it: `unix:///path` or `tcp://host:port`.
 *
 * @param host @default the usual socket
 * @throws {Error} of one line where the address is of another form
 */
export function engineAddress(host?: string): EngineAddress {
  if (host === undefined || host === '') return { socketPath: USUAL_SOCKET }
  const url = URL.canParse(host) ? new URL(host) : null
  if (url?.protocol === 'unix:') return { socketPath: url.pathname }
  if ((url?.protocol === 'tcp:' || url?.protocol === 'http:') && url.hostname !== '') {
    return { protocol: 'http:', host: url.hostname, port: url.port === '' ? 2375 : Number(url.port) }
  }
  throw new Error(`--docker-host ${host} is no engine’s address: write unix:///path/to/docker.sock or tcp://host:port`)
}
