import { type ParseError, parse, printParseErrorCode } from 'jsonc-parser'
import type { Draft } from '../submission.ts'

/** The job of a text, which may have comments and commas too many, or what is wrong with it. */
export function readJob(text: string): Draft | string {
  const errors: ParseError[] = []
  const value: unknown = parse(text, errors, { allowTrailingComma: true })
  const [first] = errors
  if (first !== undefined) {
    const before = text.slice(0, first.offset).split('\n')
    const place = `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`
    return `This is not JSON yet: ${wordsOf(printParseErrorCode(first.error))} at ${place}.`
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Draft
  return 'A job is an object in braces.'
}

/** `PropertyNameExpected` as people say it. */
function wordsOf(code: string): string {
  return code.replaceAll(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).toLowerCase()
}
