/** Buckets as people write them; see `protocol/s3-text.ts`. */
export { readS3Text, s3Text } from '../../protocol/s3-text.ts'
