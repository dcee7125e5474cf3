/** Where a gateway listens unless told otherwise. */
export const DEFAULT_PORT = 13_000
/** The address that it listens on unless told otherwise: this machine alone reaches it. */
export const DEFAULT_HOST = '127.0.0.1'
/** Where programs look for one. */
export const DEFAULT_GATEWAY = `http://localhost:${DEFAULT_PORT}`
/** Where a gateway has tools for language models (MCP, streamable HTTP). */
export const MCP_PATH = '/mcp'
/** Header of a request there: what the tools may spend in 24 hours, in US dollars as decimal text. */
export const BUDGET_HEADER = 'Cortex-Budget'
