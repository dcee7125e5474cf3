/** Where a gateway listens unless told otherwise. */
export const DEFAULT_PORT = 13_000
export const DEFAULT_HOST = '127.0.0.1'
/** Where programs look for one. */
export const DEFAULT_GATEWAY = `http://localhost:${DEFAULT_PORT}`
