/**
 * Blocks of code in the documents are what they say: commands parse as the program parses them, JSON and YAML is some, and
 * a job in it is one. A block that is none says so at its fence: `sh not-run`, `json not-run`.
 */

import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { parseSync } from 'oxc-parser'
import { parse as parseYaml } from 'yaml'
import { leavesOf } from '../../bin/commands.ts'
import { createProgram } from '../../bin/program.ts'
import { jobSubmissionSchema } from '../../protocol/job-spec.ts'

const ROOT = join(import.meta.dirname, '../..')
const FENCE = /^ *```(\w*)( not-run)?[^\n]*\n(.*?)^ *```$/gms

interface Block {
  path: string
  language: string
  text: string
}

const blocks: Block[] = ['*.md', 'docs/**/*.md'].flatMap((pattern) =>
  globSync(pattern, { cwd: ROOT }).flatMap((path) =>
    [...readFileSync(join(ROOT, path), 'utf8').matchAll(FENCE)].flatMap(([, language = '', notRun, text = '']) =>
      notRun === undefined ? [{ path, language, text }] : [],
    ),
  ),
)

/** The words of each `cortex` command of a script, as a shell takes them apart; no more of a shell than the documents use. */
function commandsOf(script: string): string[][] {
  const commands: string[][] = []
  for (const line of script.replaceAll(/\\\n\s*/g, ' ').split('\n')) {
    let words: string[] = []
    for (const [word] of line.matchAll(/#.*$|[|;&()<>]+|(?:'[^']*'|"[^"]*"|\\.|[^\s'"|;&()<>#\\]|(?<=\S)#)+/g)) {
      if (!/^[|;&()<>#]/.test(word)) words.push(word.replaceAll(/'([^']*)'|"([^"]*)"/g, '$1$2'))
      else if (/^[#|;&()]/.test(word)) {
        commands.push(words)
        words = []
      } else words.push(' ') // where output goes ends the words
    }
    commands.push(words)
  }
  return commands.flatMap((words) => {
    const npm = words.join(' ').startsWith('npm run -s cortex --') ? words.slice(5) : null
    const own = npm ?? (words[0] === 'cortex' ? words.slice(1) : null)
    const end = own?.indexOf(' ') ?? -1
    return own === null ? [] : [end === -1 ? own : own.slice(0, end)]
  })
}

/** What the program says to the words, without doing anything; null where it takes them. */
async function problemWith(words: string[]): Promise<string | null> {
  const program = await createProgram(words)
  for (const command of leavesOf(program)) {
    command.action(() => undefined).configureOutput({ writeErr: () => undefined, writeOut: () => undefined })
  }
  try {
    await program.parseAsync(words, { from: 'user' })
    return null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

describe('blocks of code in the documents', () => {
  it('have commands that the program takes', async () => {
    const all = blocks.filter(({ language }) => language === 'sh')
    const problems: string[] = []
    let count = 0
    for (const { path, text } of all) {
      for (const words of commandsOf(text)) {
        count += 1
        const problem = await problemWith(words)
        if (problem !== null) problems.push(`${path}: cortex ${words.join(' ')}: ${problem}`)
      }
    }
    assert.deepEqual(problems, [])
    assert.ok(count > 100, String(count))
    assert.match((await problemWith(['run', '--no-such-flag', 'busybox'])) ?? '', /no-such-flag/)
    assert.match((await problemWith(['job', 'get'])) ?? '', /id/)
  })

  it('have JSON and YAML that are some, and jobs that are valid', () => {
    const problems = blocks.flatMap(({ path, language, text }) => {
      try {
        for (const value of valuesOf(language, text)) checkJob(value)
        return []
      } catch (error) {
        return [`${path}: ${error instanceof Error ? error.message : error} in ${text.slice(0, 200)}`]
      }
    })
    assert.deepEqual(problems, [])
  })

  it('have programs that parse', () => {
    const kinds: Record<string, 'a.ts' | 'a.js'> = { ts: 'a.ts', js: 'a.js' }
    const problems = blocks.flatMap(({ path, language, text }) => {
      const kind = kinds[language]
      return kind === undefined ? [] : parseSync(kind, text).errors.map(({ message }) => `${path}: ${message}`)
    })
    assert.deepEqual(problems, [])
  })
})

/** What is sent by `-d` counts as JSON, and a digest that is cut short stands for one. */
function valuesOf(language: string, block: string): unknown[] {
  const text = block.replaceAll(/sha256:\w*…/g, `sha256:${'0'.repeat(64)}`)
  if (language === 'json') return [JSON.parse(text)]
  if (language === 'yaml') return [parseYaml(text)]
  if (language !== 'sh') return []
  return [...text.matchAll(/ -d '(\{[^']*\})'/g)].map(([, body = '']) => JSON.parse(body))
}

function checkJob(value: unknown): void {
  if (typeof value === 'object' && value !== null && 'image' in value) jobSubmissionSchema.parse(value)
}
