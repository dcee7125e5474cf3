/** Ends a command with one line: what is wrong, and what to do. */
export class CliError extends Error {
  override readonly name = 'CliError'
  /** Exit code of the process. */
  readonly exitCode: number

  constructor(message: string, exitCode = 1, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}

/** Exit code where the market, not the container, failed: the one `docker run` uses for its own errors. */
export const MARKET_FAILED = 125
/** Exit code after Ctrl-C. */
export const INTERRUPTED = 130
