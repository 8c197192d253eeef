// Plays one flow of the AWS SDK for JavaScript v3 on a bucket and exits with 1 if
// anything is not as it should be.
//
//   node javascript_flows.mjs MODULES ENDPOINT FLOW BUCKET
//
// MODULES is the folder that npm installed the SDK into. Keys and region come from
// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION. The flows are the
// functions below that take a bucket.

import { createRequire } from 'node:module';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { deepStrictEqual as same, ok, rejects, strictEqual as equal } from 'node:assert';
import zlib from 'node:zlib';

const [modules, endpoint, flow, name] = process.argv.slice(2);
const require = createRequire(modules + '/');
const sdk = require('@aws-sdk/client-s3');
const { Upload } = require('@aws-sdk/lib-storage');
const { getSignedUrl } = require('@aws-sdk/s3-request-presigner');

const client = new sdk.S3Client({ endpoint, forcePathStyle: true, maxAttempts: 1 });
const send = (operation, input) => client.send(new sdk[operation + 'Command'](input));
const MiB = 1 << 20;
const { crc32 } = zlib; // which older versions of Node do not have

// failing expects the S3 error of a status and a code.
const failing = (promise, status, code) =>
  rejects(promise, (e) => {
    equal(`${e.$metadata?.httpStatusCode} ${e.name}`, `${status} ${code}`);
    return true;
  });

const read = async (bucket, key, more = {}) =>
  Buffer.from(await (await send('GetObject', { Bucket: bucket, Key: key, ...more })).Body.transformToByteArray());

// entries returns all versions and delete markers, page by page.
async function entries(bucket, MaxKeys = 1000) {
  let found = [];
  let page = {};
  do {
    const { NextKeyMarker: KeyMarker, NextVersionIdMarker: VersionIdMarker } = page;
    page = await send('ListObjectVersions', { Bucket: bucket, MaxKeys, KeyMarker, VersionIdMarker });
    found = found.concat(page.Versions ?? [], page.DeleteMarkers ?? []);
  } while (page.IsTruncated);
  return found;
}

async function empty(bucket) {
  for (let left = await entries(bucket); left.length > 0; left = left.slice(1000)) {
    const Objects = left.slice(0, 1000).map(({ Key, VersionId }) => ({ Key, VersionId }));
    same((await send('DeleteObjects', { Bucket: bucket, Delete: { Objects } })).Errors ?? [], []);
  }
  await send('DeleteBucket', { Bucket: bucket });
  await failing(send('ListObjectsV2', { Bucket: bucket }), 404, 'NoSuchBucket');
}

// A bucket's whole life, from its creation over all versioning states to its end.
async function main_job(bucket) {
  await send('CreateBucket', { Bucket: bucket });
  await send('HeadBucket', { Bucket: bucket });
  const Key = 'dir/a key+%é.txt';
  await send('PutObject', { Bucket: bucket, Key, Body: 'zero', ContentType: 'text/plain', Metadata: { colour: 'red' } });
  same((await send('HeadObject', { Bucket: bucket, Key })).Metadata, { colour: 'red' });

  const set = (Status) => send('PutBucketVersioning', { Bucket: bucket, VersioningConfiguration: { Status } });
  await set('Enabled');
  equal((await send('GetBucketVersioning', { Bucket: bucket })).Status, 'Enabled');
  const first = (await send('PutObject', { Bucket: bucket, Key, Body: 'one' })).VersionId;
  const second = (await send('PutObject', { Bucket: bucket, Key, Body: 'two'.repeat(50000) })).VersionId;
  equal(String(await read(bucket, Key, { VersionId: first })), 'one');
  equal(String(await read(bucket, Key, { VersionId: 'null' })), 'zero');
  equal(String(await read(bucket, Key, { Range: 'bytes=3-5' })), 'two');

  const marker = await send('DeleteObject', { Bucket: bucket, Key });
  ok(marker.DeleteMarker);
  await failing(read(bucket, Key), 404, 'NoSuchKey');
  await failing(read(bucket, Key, { VersionId: marker.VersionId }), 405, 'MethodNotAllowed');
  await failing(send('DeleteBucket', { Bucket: bucket }), 409, 'BucketNotEmpty');
  const undone = await send('DeleteObject', { Bucket: bucket, Key, VersionId: marker.VersionId });
  ok(undone.DeleteMarker);
  equal((await send('HeadObject', { Bucket: bucket, Key })).VersionId, second);

  await set('Suspended');
  equal((await send('PutObject', { Bucket: bucket, Key, Body: 'three' })).VersionId, undefined);
  const all = await entries(bucket, 2);
  same(all.map((e) => e.VersionId), ['null', second, first]);
  const answer = await send('DeleteObjects', { Bucket: bucket, Delete: { Objects: [{ Key, VersionId: first }, { Key, VersionId: 'x' }, { Key }] } });
  same(answer.Deleted.map((d) => [d.VersionId, d.DeleteMarker, d.DeleteMarkerVersionId]), [[first, undefined, undefined], [undefined, true, 'null']]);
  same(answer.Errors.map((e) => e.Code), ['NoSuchVersion']);
  await empty(bucket);
}

// Put and get with each checksum, a multipart upload of a stream, a copy, tags,
// attributes and presigned URLs, in a versioned bucket.
async function everyday(bucket) {
  await send('CreateBucket', { Bucket: bucket });
  await send('PutBucketVersioning', { Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } });
  for (const algorithm of ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256']) {
    const put = await send('PutObject', { Bucket: bucket, Key: algorithm, Body: 'body', ChecksumAlgorithm: algorithm });
    const got = await send('GetObject', { Bucket: bucket, Key: algorithm, ChecksumMode: 'ENABLED' });
    equal(await got.Body.transformToString(), 'body');
    equal(got['Checksum' + algorithm], put['Checksum' + algorithm]);
  }
  await send('PutObject', { Bucket: bucket, Key: 'stream', Body: Readable.from([Buffer.from('of known length')]), ContentLength: 15 });
  equal(String(await read(bucket, 'stream')), 'of known length');

  const large = Buffer.alloc(18 * MiB).fill('multipart ');
  const upload = new Upload({ client, params: { Bucket: bucket, Key: 'large', Body: Readable.from(chunks(large)), Tagging: 'a=b&c=d' } });
  const done = await upload.done();
  ok(done.ETag.endsWith('-4"'), done.ETag);
  ok(done.VersionId);
  ok(large.equals(await read(bucket, 'large')));
  ok(large.subarray(5 * MiB, 10 * MiB).equals(await read(bucket, 'large', { PartNumber: 2 })));
  const about = await send('GetObjectAttributes', { Bucket: bucket, Key: 'large', ObjectAttributes: ['ObjectParts', 'ObjectSize', 'Checksum'] });
  equal(about.ObjectSize, large.length);
  equal(about.ObjectParts.TotalPartsCount, 4);
  same((await send('GetObjectTagging', { Bucket: bucket, Key: 'large' })).TagSet, [{ Key: 'a', Value: 'b' }, { Key: 'c', Value: 'd' }]);

  const copy = await send('CopyObject', { Bucket: bucket, Key: 'copy', CopySource: `${bucket}/large?versionId=${done.VersionId}` });
  equal(copy.CopySourceVersionId, done.VersionId);
  ok(large.equals(await read(bucket, 'copy')));

  await abandoned(bucket);
  await presigned(bucket);
  const keys = (await send('ListObjectsV2', { Bucket: bucket })).Contents.map((o) => o.Key);
  await send('DeleteObjects', { Bucket: bucket, Delete: { Objects: keys.map((Key) => ({ Key })) } });
  equal((await send('ListObjectsV2', { Bucket: bucket })).KeyCount, 0);
  ok(large.equals(await read(bucket, 'large', { VersionId: done.VersionId })));
  await empty(bucket);
}

function* chunks(buffer) {
  for (let at = 0; at < buffer.length; at += 64 << 10) yield buffer.subarray(at, at + (64 << 10));
}

// An upload that fails on the way is aborted by the SDK and leaves nothing.
async function abandoned(bucket) {
  function* broken() {
    yield Buffer.alloc(12 * MiB);
    throw new Error('the source broke');
  }
  await rejects(new Upload({ client, params: { Bucket: bucket, Key: 'broken', Body: Readable.from(broken()) } }).done(), /the source broke/);
  same((await send('ListMultipartUploads', { Bucket: bucket })).Uploads ?? [], []);
}

async function presigned(bucket) {
  const at = (operation, input) => getSignedUrl(client, new sdk[operation + 'Command']({ Bucket: bucket, ...input }), { expiresIn: 60 });
  const put = await fetch(await at('PutObject', { Key: 'by url' }), { method: 'PUT', body: 'presigned' });
  equal(put.status, 200, await put.text());
  const id = put.headers.get('x-amz-version-id');
  await send('PutObject', { Bucket: bucket, Key: 'by url', Body: 'newer' });
  equal(await (await fetch(await at('GetObject', { Key: 'by url', VersionId: id }))).text(), 'presigned');
  const tampered = await fetch((await at('GetObject', { Key: 'by url' })).replace('by%20url', 'large'));
  equal(tampered.status, 403);
  equal((await fetch(await at('DeleteObject', { Key: 'by url', VersionId: id }), { method: 'DELETE' })).status, 204);
  await failing(read(bucket, 'by url', { VersionId: id }), 404, 'NoSuchVersion');
}

// 1 GiB as a stream in parts of 8 MiB, and back. The server verifies each part,
// the SDK sends the checksum of the whole, and the hash of what comes back is
// that of what was sent.
async function large(bucket) {
  const size = 1024 * MiB;
  const block = Buffer.alloc(MiB + 4099);
  for (let i = 0; i < block.length; i++) block[i] = (i * 2654435761) >>> 24;
  const sent = createHash('sha256');
  let sum = 0;
  function* body() {
    for (let left = size; left > 0; left -= block.length) {
      const piece = block.subarray(0, Math.min(left, block.length));
      sent.update(piece);
      if (crc32) sum = crc32(piece, sum);
      yield piece;
    }
  }
  await send('CreateBucket', { Bucket: bucket });
  const params = { Bucket: bucket, Key: 'large', Body: Readable.from(body()), ChecksumAlgorithm: 'CRC32' };
  const begun = performance.now();
  const done = await new Upload({ client, params, partSize: 8 * MiB }).done();
  const uploaded = performance.now();
  ok(done.ETag.endsWith('-128"'), done.ETag);
  const got = await send('GetObject', { Bucket: bucket, Key: 'large', ChecksumMode: 'ENABLED' });
  equal(got.ContentLength, size);
  const back = createHash('sha256');
  for await (const piece of got.Body) back.update(piece);
  equal(back.digest('hex'), sent.digest('hex'));
  if (crc32 && got.ChecksumType === 'FULL_OBJECT') {
    const whole = Buffer.alloc(4);
    whole.writeUInt32BE(sum);
    equal(got.ChecksumCRC32, whole.toString('base64'));
  }
  console.log(`1 GiB: up in ${Math.round(uploaded - begun)} ms, back in ${Math.round(performance.now() - uploaded)} ms, checksum ${got.ChecksumCRC32} ${got.ChecksumType}`);
  await empty(bucket);
}

const flows = { main_job, everyday, large };
await flows[flow](name);
console.log(`AWS SDK for JavaScript: ${flow} is as it should be`);
