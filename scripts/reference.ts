/** `docs/reference/`, made from the code: `npm run gen` writes it, a test holds it against the code. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { createProgram } from '../bin/program.ts'
import { commandPages } from './reference/command-pages.ts'
import { configurationPage } from './reference/configuration-page.ts'
import { eventsPage } from './reference/events-page.ts'
import { httpPages } from './reference/http-pages.ts'
import { jobPage } from './reference/job-page.ts'
import { pageOf, type ReferencePage, table } from './reference/markdown.ts'
import { metricsPage } from './reference/metrics-page.ts'
import { readGateway } from './reference/read-gateway.ts'
import { webhooksPage } from './reference/webhooks-page.ts'

const DOCS = new URL('../docs/', import.meta.url)

const CONTENTS = [
  ['[Fields of a job](job.md)', 'name, type, range, default and meaning of each'],
  ['[Commands](cli/README.md)', 'every command with its flags'],
  ['[Configuration](configuration.md)', 'keys of the configuration file, and environment variables'],
  ['[HTTP API](http-api.md)', 'every operation, and [the objects](http-objects.md) that they take and answer'],
  ['[Error codes of the API](../api-errors.md)', 'when each is answered, and what to do'],
  ['[Why jobs fail](../failures.md)', 'every code and reason, with the remedy'],
  ['[Events](events.md)', 'names and what each tells'],
  ['[Webhooks](webhooks.md)', 'what is sent, and how to tell that it is genuine'],
  ['[Metrics](metrics.md)', 'what Prometheus reads'],
]

/** Every page of the reference, as the code says it now. */
export async function referencePages(): Promise<ReferencePage[]> {
  const program = await createProgram(['completion'])
  const { document, metrics } = await readGateway()
  return [
    pageOf('reference/README.md', 'Reference', 'the code', [table(['page', 'what it has'], CONTENTS)]),
    jobPage(),
    ...commandPages(program),
    configurationPage(program),
    ...httpPages(document),
    eventsPage(),
    webhooksPage(document),
    metricsPage(metrics),
  ]
}

if (import.meta.main) {
  for (const { path, text } of await referencePages()) {
    const file = new URL(path, DOCS)
    await mkdir(dirname(file.pathname), { recursive: true })
    await writeFile(file, text)
  }
}
