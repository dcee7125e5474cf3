/** Where images of one name are. */
export interface Repository {
  /** As `registryOf` answers it. */
  host: string
  /** Without the host, e.g. `"library/busybox"`. */
  path: string
}

/** A requester's own, for one registry; never written down or logged. */
export interface RegistryCredentials {
  username: string
  password: string
  serverAddress: string
}
