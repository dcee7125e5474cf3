import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readS3Text, s3Text } from '../../protocol/s3-text.ts'

describe('a bucket as people write it', () => {
  it('is read, and written as it was', () => {
    for (const text of [
      's3://mine/',
      's3://mine/a b/c=d.bin',
      's3://mine/rows/#region=eu-west-1',
      's3://mine/x#endpoint=http://minio.lan:9000&accessKeyId=ID&secretAccessKey=KEY&sessionToken=T',
    ]) {
      const read = readS3Text(text, {})
      assert.ok(typeof read !== 'string', text)
      assert.equal(s3Text(read), text)
    }
    assert.equal(s3Text({ bucket: 'mine', prefix: 'rows' }), 's3://mine/rows/')
  })

  it('is told of where it cannot be read', () => {
    assert.match(String(readS3Text('s3://mine', {})), /names no object/)
    assert.match(String(readS3Text('s3://mine/a#region=a&acl=b', {})), /acl says nothing/)
  })
})
