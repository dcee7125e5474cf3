export type { TemplateRecord } from './template-table.ts'
