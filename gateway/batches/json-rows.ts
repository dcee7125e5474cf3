import { createReadStream } from 'node:fs'
import { JSONParser, TokenType } from '@streamparser/json'
import { breathe } from '../../node/turns.ts'
import { MAX_BASE_BYTES, MAX_BATCH_ROWS, MAX_JOB_VALUES } from '../contract/batch-limits.ts'
import { batchEnvelopeSchema } from '../contract/batches.ts'
import { validationError } from '../http/error-response.ts'
import { GatewayError } from '../http/errors.ts'
import { checkJob } from './row-job.ts'
import type { Row, RowSource } from './rows.ts'

/** Bytes that are parsed before others get their turn. */
const PIECE_BYTES = 32 * 1024

/** A token for each value, one for its name, and those around and between them. */
const MAX_TOKENS = 4 * MAX_JOB_VALUES

/**
 * A body `{ jobs, concurrency? }` in a file, whose jobs are read one at a time: as a whole it would hold the process up, and
 * may be a hundred times as large in memory.
 * @throws {GatewayError} VALIDATION_ERROR where it is another form; what is wrong with single jobs is told with the rows
 */
export async function openJsonBatch(path: string): Promise<{ rows: RowSource; concurrency: number }> {
  const envelope: Record<string, unknown> = {}
  for await (const part of partsOf(path)) {
    if ('name' in part) envelope[part.name] = part.value
  }
  const parsed = batchEnvelopeSchema.safeParse(envelope)
  if (!parsed.success) throw validationError(parsed.error, 'body')
  return { rows: rowsOf(path), concurrency: parsed.data.concurrency }
}

function rowsOf(path: string): RowSource {
  return async function* (): AsyncGenerator<Row> {
    let row = 0
    for await (const part of partsOf(path)) {
      if ('name' in part) continue
      row += 1
      yield { row, line: null, length: part.length, ...checkJob(part.job) }
    }
  }
}

type Part = { job: unknown; length: number } | { name: string; value: unknown }

/** Each job in turn, and what else the body holds by name; the list of the jobs is told as an empty one. */
async function* partsOf(path: string): AsyncGenerator<Part> {
  const parts: Part[] = []
  const parser = new JSONParser({ paths: ['$.jobs.*', '$.concurrency'], keepStack: false })
  const at = boundedTokens(parser, (part) => parts.push(part))
  parser.onValue = ({ value, stack }) => {
    parts.push(stack.length === 2 ? { job: value, length: at.length() } : { name: 'concurrency', value })
  }
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: PIECE_BYTES })) {
      at.expect((chunk as Buffer).length)
      parser.write(chunk as Buffer)
      yield* parts.splice(0)
      await breathe()
    }
    if (!parser.isEnded) throw new Error('The body breaks off')
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause
    const message = 'The body is not JSON: check quotes, commas and brackets'
    throw new GatewayError('VALIDATION_ERROR', message, { cause, details: { in: 'body' } })
  }
}

interface TokenBounds {
  /** Bytes of the job that has just ended. */
  length(): number
  /** Says that so many bytes are read next. @throws {GatewayError} where what they go on with is too large */
  expect(bytes: number): void
}

/**
 * Holds each job, and each other field, to a number of tokens and bytes while it is read, so that nothing beyond is ever
 * made; and tells of the list of jobs, whose items are told by the parser.
 */
function boundedTokens(parser: JSONParser, tell: (part: Part) => void): TokenBounds {
  const names = new Set<string>()
  let depth = 0
  let tokens = 0
  let began = 0
  let here = 0
  let jobs = 0
  let text = ''
  let name: string | null = null
  let isValueOfJobs = false

  function look({ token, value, offset }: Parameters<JSONParser['onToken']>[0]): void {
    here = offset
    if (token === TokenType.RIGHT_BRACE || token === TokenType.RIGHT_BRACKET) depth -= 1
    if (depth === 0 && token !== TokenType.LEFT_BRACE && token !== TokenType.RIGHT_BRACE)
      throw wrong('', 'must be an object')
    if (token === TokenType.COMMA && (depth === 1 || (depth === 2 && name === 'jobs'))) {
      tokens = 0
      began = offset
      if (depth === 2) jobs += 1
      if (jobs >= MAX_BATCH_ROWS) throw wrong('jobs', `A batch has at most ${MAX_BATCH_ROWS} jobs: make several of it`)
    }
    if (isValueOfJobs) tell({ name: 'jobs', value: token === TokenType.LEFT_BRACKET ? [] : value })
    isValueOfJobs = false
    if (depth === 1 && token === TokenType.COLON) named(text)
    if (token === TokenType.STRING) text = value as string
    tokens += 1
    if (tokens > MAX_TOKENS || offset - began > MAX_BASE_BYTES) throw tooLarge()
    if (token === TokenType.LEFT_BRACE || token === TokenType.LEFT_BRACKET) depth += 1
  }

  function named(next: string): void {
    if (names.has(next)) throw wrong(next.slice(0, 128), 'is there twice: send it once')
    if (!Object.hasOwn(batchEnvelopeSchema.shape, next)) {
      throw wrong(next.slice(0, 128), 'is not a known field: remove it or check its spelling')
    }
    names.add(next)
    name = next
    isValueOfJobs = next === 'jobs'
  }

  function tooLarge(): GatewayError {
    const what = name === 'jobs' ? `jobs[${jobs}]` : (name ?? 'body')
    return wrong(what, `holds more than ${MAX_JOB_VALUES} values or ${MAX_BASE_BYTES} bytes: no job is as large`)
  }

  parser.onToken = look
  let taken = 0
  return {
    length: () => here - began,
    // A text is a token once it has ended, if it ever does.
    expect(bytes) {
      if (taken - began > MAX_BASE_BYTES) throw tooLarge()
      taken += bytes
    },
  }
}

function wrong(path: string, message: string): GatewayError {
  const fields = [{ path, message }]
  return new GatewayError('VALIDATION_ERROR', `${path} ${message}`.trim(), { details: { fields, in: 'body' } })
}
