/**
 * What `import { … } from 'cortex-node'` gives: the parts that the commands are made of. A client node asks for jobs, a
 * provider sells a machine, a gateway serves a client node over HTTP. Each begins with an example that runs.
 */

export { createGateway, type Gateway, type GatewayInit } from '../gateway/index.ts'
export { type ClientNodeInit, startClientNode } from '../node/client-node.ts'
export { followJob } from '../node/commands/follow-job.ts'
export type { ClientNode } from '../node/index.ts'
export { createLogger, type Logger, silentLogger } from '../node/logger.ts'
export type { Quote, Requester, SubmitJob } from '../node/market/index.ts'
export { outputArrived } from '../node/outputs/arrived.ts'
export type { BidRecord, JobEvent, JobRecord, JobState, JobStore, LogRecord } from '../node/store/index.ts'
export { type JobSpec, type JobSubmission, jobSubmissionSchema } from '../protocol/job-spec.ts'
export { type ProviderInit, type RunningProvider, startProvider } from '../provider-agent/index.ts'
