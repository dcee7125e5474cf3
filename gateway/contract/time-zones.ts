export { offsetOf, readTimeZone, TimeZoneError } from '../../protocol/time-zones.ts'
