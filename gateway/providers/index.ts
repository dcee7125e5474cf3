export type { ProviderEvent, ProviderLog } from './provider-log.ts'
