export { isoTime, isoTimeOrNull } from '../node/views/time.ts'
