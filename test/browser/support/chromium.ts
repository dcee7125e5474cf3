import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium } from 'playwright-core'
import { canInstall, findProgram, installPackages } from '../../../scripts/apt.ts'
import { LONGEST_WAIT_MS } from '../../support/until.ts'

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** How long anything on a page may take: a guard against hangs, which a busy machine keeps. */
const PATIENCE_MS = LONGEST_WAIT_MS

export interface OpenBrowser {
  context: BrowserContext
  close(): Promise<void>
}

/** A browser of its own, with a profile that nobody used before. */
export async function openBrowser(): Promise<OpenBrowser> {
  const executablePath = await findChromium()
  const profile = await mkdtemp(join(tmpdir(), 'cortex-browser-'))
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    args: FLAGS,
    viewport: { width: 1360, height: 860 },
    permissions: ['clipboard-read', 'clipboard-write'],
    timezoneId: 'UTC',
    colorScheme: 'light',
    reducedMotion: 'reduce',
  })
  context.setDefaultTimeout(PATIENCE_MS)
  return {
    context,
    async close() {
      await context.close()
      await rm(profile, { recursive: true, force: true })
    },
  }
}

/** Debian's; installed where it is missing and that is possible. */
async function findChromium(): Promise<string> {
  const there = (await findProgram('chromium')) ?? (await findProgram('chromium-browser'))
  if (there !== null) return there
  if (!(await canInstall())) throw new Error('there is no Chromium: install one (on Debian `apt-get install chromium`)')
  await installPackages(['chromium'], (line) => process.stderr.write(`${line}\n`))
  const installed = await findProgram('chromium')
  if (installed === null) throw new Error('apt-get installed no chromium')
  return installed
}
