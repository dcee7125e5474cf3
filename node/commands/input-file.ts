import { isUtf8 } from 'node:buffer'
import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { CliError } from './cli-error.ts'

/** An object in JSON or YAML; `-` is the standard input. @throws {CliError} */
export async function readObject(path: string): Promise<Record<string, unknown>> {
  const { parse, YAMLParseError } = await import('yaml')
  let value: unknown
  try {
    value = parse(await readInput(path)) // JSON is YAML
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error
    const [first = ''] = error.message.split('\n')
    throw new CliError(`${path} is neither JSON nor YAML: ${first.replace(/:$/, '')}`, 1, { cause: error })
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new CliError(`${path} must hold one object, such as { "image": "busybox" }`)
}

/** @throws {CliError} where it cannot be read */
export async function readInput(path: string): Promise<string> {
  return decoded(path, await readBytes(path))
}

async function readBytes(path: string): Promise<Buffer> {
  try {
    return path === '-' ? await buffer(process.stdin) : await readFile(path)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : cause
    throw new CliError(`Cannot read ${path} (${code}): check the path`, 1, { cause })
  }
}

/** A wrong byte would become another character without a word, as in a table that a spreadsheet saved for old Windows. */
function decoded(path: string, bytes: Buffer): string {
  const text = bytes.toString('utf8')
  if (isUtf8(bytes)) return text
  const line = text.slice(0, text.indexOf('\uFFFD')).split('\n').length
  throw new CliError(`${path} is not UTF-8 (line ${line}): save it as UTF-8`)
}
