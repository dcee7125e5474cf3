import { join } from 'node:path'
import { type FileResult, type RunFileInit, runFile } from './run-file.ts'

const program = join(import.meta.dirname, 'together.ts')

/**
 * Runs test files one after the other in one process: what they all load is most of what short ones cost. What fails there
 * has failed. Where anything did, or that process crashed, hung or left something behind, the others are run each in one of
 * its own, which tells whose doing it was.
 */
export async function runTogether(files: string[], init: RunFileInit): Promise<FileResult[]> {
  const all = files.length > 1 ? await runFile(program, { ...init, args: files }) : null
  const isWhole = all?.problems.length === 0
  const isClean = isWhole && all.tests.every(({ type }) => type !== 'failed')
  const results: FileResult[] = []
  for (const file of files) {
    const shared = isWhole ? resultOf(file, all) : null
    const holds = isClean || shared?.tests.some(({ type }) => type === 'failed')
    results.push(shared !== null && holds ? shared : await runFile(file, init))
  }
  return results
}

/** What is told of one; null where it has no test there. */
function resultOf(file: string, { suites, tests, output }: FileResult): FileResult | null {
  const suite = suites.find(({ name }) => name === file)
  const start = `${file} › `
  const own = tests
    .filter(({ name }) => name === file || name.startsWith(start))
    .map((test) => ({ ...test, name: test.name.replace(start, '') }))
  if (suite === undefined || own.length === 0) return null
  const { durationMs, processorMs } = suite
  return { file, tests: own, suites: [], problems: [], durationMs, processorMs, output }
}
