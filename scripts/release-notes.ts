/**
 * `node scripts/release-notes.ts v1.2.3`: what CHANGELOG.md says of a version. Fails where the tag is not the version of
 * package.json, or nothing is said of it: before anything is published.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const [, , tag = ''] = process.argv
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
if (tag !== `v${version}`) fail(`The tag is ${tag || 'missing'}, and the version ${version}: tag it v${version}`)
const changelog = readFileSync(join(root, 'CHANGELOG.md'), 'utf8')
const section = changelog.split(/^(?=## )/m).find((part) => part.startsWith(`## [${version}]`))
const notes = section?.split('\n').slice(1).join('\n').trim()
if (notes === undefined || notes === '')
  fail(`CHANGELOG.md says nothing of ${version}: give it a part "## [${version}]"`)
process.stdout.write(`${notes}\n`)

function fail(problem: string): never {
  process.stderr.write(`${problem}\n`)
  process.exit(1)
}
