/**
 * What of a commit is kept in other repositories, as it says itself: the links in its tree, and what `.gitmodules` has of them. Both
 * are read by git; neither is believed. See docs/decisions/0086-inputs-from-git.md.
 */

import { LONGEST_NAME } from '../../node/tar-entries.ts'
import { gitUrlField } from '../../protocol/git-input.ts'
import { DataError } from './data-error.ts'
import { type GitRun, runGit } from './git-program.ts'

/** Submodules of one input, those of submodules with them. */
export const MAX_SUBMODULES = 64
/** Submodules may have submodules so many times over: what leads in a circle ends by that. */
export const MAX_SUBMODULE_DEPTH = 8

/** Of one entry of a tree, as it is listed, in bytes: longer names are none of a folder that can be brought. */
const MAX_ENTRY_BYTES = 64 * 1024
/** What `.gitmodules` says of its submodules, in bytes. */
const MAX_GITMODULES_BYTES = 2 ** 20
/** So much of a stranger's name is told, in characters. */
const MAX_TOLD = 256

/** A repository on its way. */
export interface GitRepository {
  url: string
  /** A branch, a tag or a commit. */
  ref: string
  /** Where its files stand among those of the input: empty for the input's own, else with a slash at its end. */
  prefix: string
  /** How many repositories it lies in. */
  depth: number
}

/** How a repository is called where something is told of it: nothing for the input's own. */
export function aboutOf({ prefix }: Pick<GitRepository, 'prefix'>): string {
  if (prefix === '') return ''
  const name = prefix.slice(0, -1)
  return `the submodule ${JSON.stringify(name.length > MAX_TOLD ? `${name.slice(0, MAX_TOLD)}…` : name)}: `
}

/**
 * What stands at the links of a commit that was fetched.
 * @param repository where git has it, under `FETCH_HEAD`
 * @param input its place in the job, for its owner
 * @throws {DataError} `git-submodule` where one of them is not to be fetched
 */
export async function submodulesOf(
  repository: string,
  of: GitRepository,
  { run, input }: { run: Omit<GitRun, 'read'>; input: string },
  signal: AbortSignal,
): Promise<GitRepository[]> {
  const git = async (words: string[], read: GitRun['read']): Promise<boolean> => {
    const { ok } = await runGit(['--git-dir', repository, ...words], { ...run, ...(read && { read }) }, signal)
    return ok
  }
  const { links, isSaid } = await linksOf(git, of, input)
  const modules = links.length === 0 || !isSaid ? new Map<string, Module>() : await modulesOf(git, of, input)
  return links.flatMap(({ path, commit }) => {
    const submodule = { prefix: `${of.prefix}${path}/`, ref: commit, depth: of.depth + 1 }
    const problem = (said: string) => new DataError('git-submodule', input, `${aboutOf(submodule)}${said}`)
    const { url, update = 'checkout' } = modules.get(path) ?? {}
    // Git leaves its folder empty, too.
    if (update === 'none') return []
    if (update.startsWith('!')) throw problem('.gitmodules has a command for it, and none is run')
    if (url === undefined) throw problem('.gitmodules has no url for it')
    if (submodule.depth > MAX_SUBMODULE_DEPTH)
      throw problem(`it lies in more than ${MAX_SUBMODULE_DEPTH} repositories, one in the other`)
    if (submodule.prefix.length > LONGEST_NAME) throw problem('its path is too long')
    const { data, error } = gitUrlField.safeParse(resolvedUrl(of.url, url))
    if (data === undefined) throw problem(`its url ${error.issues[0]?.message}`)
    return [{ ...submodule, url: data }]
  })
}

type Git = (words: string[], read: GitRun['read']) => Promise<boolean>

/** A commit of another repository in a tree. */
interface Link {
  path: string
  commit: string
}

/** A tree that was unpacked before has no more entries than fit. */
async function linksOf(git: Git, of: GitRepository, input: string): Promise<{ links: Link[]; isSaid: boolean }> {
  const links: Link[] = []
  let isSaid = false
  const take = (entry: string): void => {
    const [, mode, commit = '', path = ''] = /^(\d+) \w+ ([0-9a-f]+)\t(.+)$/s.exec(entry) ?? []
    if (path === '.gitmodules' && mode?.startsWith('100') === true) isSaid = true
    if (mode !== '160000') return
    if (path.includes('\ufffd'))
      throw new DataError('git-submodule', input, `${aboutOf({ prefix: `${path}/` })}its path is no UTF-8`)
    links.push({ path, commit })
    if (links.length > MAX_SUBMODULES) throw tooMany(input)
  }
  const ok = await git(['ls-tree', '-r', '-z', '--full-tree', 'FETCH_HEAD'], async (output) => {
    let rest = Buffer.alloc(0)
    for await (const chunk of output as AsyncIterable<Buffer>) {
      const text = Buffer.concat([rest, chunk])
      let begin = 0
      for (let end = text.indexOf(0); end >= 0; end = text.indexOf(0, begin)) {
        take(text.toString('utf8', begin, end))
        begin = end + 1
      }
      rest = text.subarray(begin)
      if (rest.length > MAX_ENTRY_BYTES)
        throw new DataError('git-not-given', input, `${aboutOf(of)}it has a name that is too long`)
    }
  })
  if (!ok) throw new DataError('git-not-given', input, `${aboutOf(of)}its files cannot be listed`)
  return { links, isSaid }
}

/** That there are more than {@link MAX_SUBMODULES}. @param input its place in the job */
export function tooMany(input: string): DataError {
  return new DataError('git-submodule', input, `there are more than ${MAX_SUBMODULES} submodules in all`)
}

/** What `.gitmodules` has of one. */
interface Module {
  path?: string
  url?: string
  update?: string
}

/** By path: what stands there twice is said by the last, as in git. */
async function modulesOf(git: Git, of: GitRepository, input: string): Promise<Map<string, Module>> {
  let said = ''
  const keys = '^submodule\\..*\\.(path|url|update)$'
  // Nothing but that blob: what it would include is not read.
  const words = ['config', '--no-includes', '--blob', 'FETCH_HEAD:.gitmodules', '-z', '--get-regexp', keys]
  const ok = await git(words, async (output) => {
    for await (const chunk of output.setEncoding('utf8') as AsyncIterable<string>) {
      said += chunk
      if (said.length > MAX_GITMODULES_BYTES)
        throw new DataError('git-submodule', input, `${aboutOf(of)}.gitmodules is too long`)
    }
  })
  // It fails where nothing is found, too.
  if (!ok && said !== '') throw new DataError('git-submodule', input, `${aboutOf(of)}.gitmodules cannot be read`)
  const byName = new Map<string, Module>()
  for (const line of said.split('\0')) {
    const [, name, key = '', value] = /^submodule\.(.*)\.(path|url|update)\n(.*)$/s.exec(line) ?? []
    if (name === undefined) continue
    byName.set(name, { ...byName.get(name), [key]: value })
  }
  return new Map([...byName.values()].map((module) => [module.path ?? '', module]))
}

/** As git resolves what begins with `./` or `../`: by the repository that names it. */
function resolvedUrl(parent: string, url: string): string {
  if (!/^\.\.?\//.test(url)) return url
  const { origin, pathname } = new URL(parent)
  const parts = pathname.replace(/\/+$/, '').split('/')
  let rest = url
  for (;;) {
    if (rest.startsWith('./')) {
      rest = rest.slice(2)
    } else if (rest.startsWith('../') && parts.length > 1) {
      rest = rest.slice(3)
      parts.pop()
    } else {
      // Beyond the root of the host there is nothing, and no URL says so.
      return rest.startsWith('../') ? rest : `${origin}${parts.join('/')}/${rest}`
    }
  }
}
