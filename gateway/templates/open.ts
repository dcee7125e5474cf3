import type { Feature } from '../http/feature.ts'
import type { Database } from '../records/table.ts'
import { addTemplateRoutes, type TemplateComponents } from './routes.ts'
import { openTemplateTable, type TemplateRecord } from './template-table.ts'

/** Job configurations to use again. */
export interface Templates extends Feature {
  /** The template with this id, whoever's it is. */
  get(id: string): Promise<TemplateRecord | undefined>
}

/** Reads the ids of all of them. */
export async function openTemplates(
  components: Omit<TemplateComponents, 'templates'> & { db: Database },
): Promise<Templates> {
  const { db, ...others } = components
  const templates = await openTemplateTable(db)
  return {
    get: templates.get,
    async *stillToRun() {
      for await (const { owner, config } of templates.all()) yield { owner, spec: config }
    },
    routes: (api) => addTemplateRoutes(api, { ...others, templates }),
  }
}
