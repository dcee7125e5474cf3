import Docker from 'dockerode'

/**
 * A client for an engine's address as `DOCKER_HOST` writes it: `unix:///path` or `tcp://host:port`.
 *
 * @param host @default the engine's usual socket
 * @throws {Error} of one line where the address is of another form
 */
export function connectDocker(host?: string): Docker {
  if (host === undefined || host === '') return new Docker({ socketPath: '/var/run/docker.sock' })
  const url = URL.canParse(host) ? new URL(host) : null
  if (url?.protocol === 'unix:') return new Docker({ socketPath: url.pathname })
  if ((url?.protocol === 'tcp:' || url?.protocol === 'http:') && url.hostname !== '') {
    return new Docker({ protocol: 'http', host: url.hostname, port: url.port === '' ? 2375 : Number(url.port) })
  }
  throw new Error(`--docker-host ${host} is no engine’s address: write unix:///path/to/docker.sock or tcp://host:port`)
}
