import type { BrowserContext } from 'playwright-core'

/**
 * Fetches the page's scripts and styles outside the browser. Chromium breaks off what it loads, with
 * `ERR_NETWORK_CHANGED`, whenever the machine's addresses change, which every job's network does; what the page asks of
 * the API it repeats by itself, but a script that is missing stays missing until somebody loads the page again.
 */
export async function assetsFromOutside(context: BrowserContext): Promise<void> {
  await context.route(
    ({ pathname }) => pathname.startsWith('/assets/'),
    async (route) => {
      const answer = await load(route.request().url()).catch(() => null)
      if (answer === null) await route.abort('connectionrefused')
      else await route.fulfill(answer)
    },
  )
}

async function load(url: string): Promise<{ status: number; headers: Record<string, string>; body: Buffer }> {
  const response = await fetch(url, { headers: { 'accept-encoding': 'identity' } })
  const body = Buffer.from(await response.arrayBuffer())
  return { status: response.status, headers: Object.fromEntries(response.headers), body }
}
