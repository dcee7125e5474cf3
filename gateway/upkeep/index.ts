export { UpkeepError } from './check-gateway.ts'
export { compactGateway } from './compact.ts'
export { findProblems, REPAIR, repairGateway } from './repair-gateway.ts'
