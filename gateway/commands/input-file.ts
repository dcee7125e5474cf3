import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { parse, YAMLParseError } from 'yaml'
import { CliError } from '../../node/commands/cli-error.ts'

/** An object in JSON or YAML; `-` is the standard input. @throws {CliError} */
export async function readObject(path: string): Promise<Record<string, unknown>> {
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
  try {
    return path === '-' ? await text(process.stdin) : await readFile(path, 'utf8')
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : cause
    throw new CliError(`Cannot read ${path} (${code}): check the path`, 1, { cause })
  }
}
