import { Command, InvalidArgumentError, Option } from 'commander'
import { connectProblem } from '../system-problem.ts'
import { ownVersion } from '../version.ts'
import { CliError } from './cli-error.ts'
import { wholeNumber } from './options.ts'
import { print, printJson } from './print.ts'

interface VersionOptions {
  check?: true
  registry: string
  timeout: number
  json?: true
}

const PACKAGE = 'cortex-node'
const NPM = 'https://registry.npmjs.org'
/** The longest answer that is read, in bytes: what a registry says of one version is some kilobytes. */
const MAX_BYTES = 2 ** 20

/** `cortex version`: which this is; with `--check`, whether there is a newer one. Nothing asks unless it is told to. */
export function versionCommand(): Command {
  return new Command('version')
    .description('which version this is, and whether there is a newer one')
    .option('--check', 'ask the registry that packages come from; nobody else is asked, and never unasked')
    .addOption(
      new Option('--registry <url>', 'the npm registry to ask')
        .env('npm_config_registry')
        .default(NPM)
        .argParser(registryUrl),
    )
    .option('--timeout <seconds>', 'how long it may take', wholeNumber(1, 300), 10)
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  $ cortex version --check')
    .action(async ({ check, registry, timeout, json }: VersionOptions) => {
      const version = await ownVersion()
      const latest = check === true ? await latestVersion(registry, timeout) : null
      const isNewer = latest !== null && byNumber.compare(latest, version) > 0
      if (json === true) return printJson({ version, ...(latest === null ? {} : { latest, isNewer }) })
      if (latest === null) return print(`cortex ${version}`)
      if (isNewer) print(`cortex ${latest} is there, and this is ${version}: npm install -g ${PACKAGE}@${latest}`)
      else print(`cortex ${version} is up to date`)
    })
}

/** So that 0.10.0 is behind 0.9.0. */
const byNumber = new Intl.Collator('en', { numeric: true })

/** @throws {CliError} of one line where the registry does not say */
async function latestVersion(registry: string, timeoutSeconds: number): Promise<string> {
  const url = `${registry.replace(/\/+$/, '')}/${PACKAGE}/latest`
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutSeconds * 1000) })
    if (response.status === 404) throw new CliError(`${registry} has no ${PACKAGE}: give another --registry`)
    if (!response.ok)
      throw new CliError(`${registry} answers ${response.status}: try again later, or give another --registry`)
    const { version } = JSON.parse(await textOf(response)) as { version?: unknown }
    if (typeof version === 'string' && /^\d+\.\d+\.\d+[\w.+-]*$/.test(version)) return version
    throw new SyntaxError('there is no version')
  } catch (error) {
    throw explained(error, registry, timeoutSeconds)
  }
}

/** @throws {SyntaxError} where it is longer than such an answer is */
async function textOf(response: Response): Promise<string> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of response.body ?? []) {
    bytes += piece.length
    if (bytes > MAX_BYTES) throw new SyntaxError('it is too long')
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString()
}

function explained(error: unknown, registry: string, timeoutSeconds: number): unknown {
  if (error instanceof CliError || !(error instanceof Error)) return error
  if (error.name === 'TimeoutError') {
    return new CliError(
      `${registry} did not answer within ${timeoutSeconds} s: check the network, or give another --registry`,
    )
  }
  if (error instanceof SyntaxError) {
    return new CliError(`${registry} answers as no registry does: give another --registry`, 1, { cause: error })
  }
  const cause = error.cause instanceof Error ? error.cause : error
  const code = 'code' in cause ? String(cause.code) : cause.message
  const what = connectProblem(code) ?? code
  return new CliError(`${registry} is not reached (${what}): check the network, or give another --registry`, 1, {
    cause: error,
  })
}

/** @throws {InvalidArgumentError} */
function registryUrl(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text
  throw new InvalidArgumentError('Give a URL such as https://registry.npmjs.org.')
}
