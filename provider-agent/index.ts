export { type ProviderInit, type RunningProvider, startProvider } from './start-provider.ts'
