/** What a tool itself refuses, with a code and what to do instead. */
export class ToolError extends Error {
  override readonly name = 'ToolError'
  readonly code: 'BUDGET_EXCEEDED' | 'VALIDATION_ERROR' | 'NOT_A_FILE' | 'JOB_HAS_ENDED'
  readonly details: Record<string, unknown>

  constructor(code: ToolError['code'], message: string, details: Record<string, unknown> = {}) {
    super(message)
    this.code = code
    this.details = details
  }
}
