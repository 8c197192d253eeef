#!/usr/bin/env python3
"""Plays one flow of boto3 on a bucket and exits with 1 if anything is not as it should be.

    boto3_flows.py ENDPOINT FLOW BUCKET

Keys and region come from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_DEFAULT_REGION.
The flows are the functions below that take a bucket.
"""

import base64
import hashlib
import os
import random
import sys
import tempfile
import time
import zlib

import boto3
import urllib3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError


def expect(condition, message, *details):
    if not condition:
        sys.exit(f"boto3: {message} {details if details else ''}")


def expect_error(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as e:
        status = e.response["ResponseMetadata"]["HTTPStatusCode"]
        found = f"{status} {e.response['Error']['Code']}"
        expect(found == code, f"{code} expected, found", found)
        return
    expect(False, f"{code} expected, found success")


def entries(bucket):
    return [(v.object_key, v.id) for v in bucket.object_versions.all()]


def main_job(bucket):
    """Creates the bucket, takes it through all states, empties and deletes it."""
    client = bucket.meta.client
    bucket.create()
    versioning = bucket.Versioning()
    expect(versioning.status is None, "a new bucket has a status", versioning.status)
    key = bucket.Object("dir/a key+%.txt")

    key.put(Body=b"zero", ContentType="text/plain", Metadata={"Colour": "red"})
    expect(key.get()["Body"].read() == b"zero", "body is not what was put")
    expect(key.metadata == {"colour": "red"}, "metadata", key.metadata)
    versioning.enable()
    versioning.reload()
    expect(versioning.status == "Enabled", "status", versioning.status)
    first = key.put(Body=b"one")["VersionId"]
    second = key.put(Body=b"two" * 50_000)["VersionId"]
    expect(key.get(VersionId=first)["Body"].read() == b"one", "version read by id")
    expect(key.get(VersionId="null")["Body"].read() == b"zero", "null version read by id")
    expect(key.get(Range="bytes=3-5")["Body"].read() == b"two", "range")
    expect(key.content_length == 150_000 or key.reload() or key.content_length == 150_000, "length", key.content_length)

    marker = key.delete()
    expect(marker["DeleteMarker"] is True, "delete added no marker", marker)
    expect_error("404 NoSuchKey", key.get)
    expect_error("405 MethodNotAllowed", key.get, VersionId=marker["VersionId"])
    expect([o.key for o in bucket.objects.all()] == [], "a hidden key is listed")
    expect_error("409 BucketNotEmpty", bucket.delete)
    undone = bucket.Object(key.key).Version(marker["VersionId"]).delete()
    expect(undone["DeleteMarker"] is True, "delete of the marker", undone)
    expect(key.get()["VersionId"] == second, "the version below the marker is not current")

    versioning.suspend()
    expect("VersionId" not in key.put(Body=b"three"), "a put in a suspended bucket answers a version id")
    expect(entries(bucket)[0] == (key.key, "null"), "the null version is not the newest", entries(bucket))
    expect(len(entries(bucket)) == 3, "entries", entries(bucket))
    expect_error("400 InvalidArgument", client.delete_object, Bucket=bucket.name, Key=key.key, VersionId="x")
    expect_error("412 PreconditionFailed", client.put_object, Bucket=bucket.name, Key=key.key, IfNoneMatch="*")
    out = client.delete_objects(Bucket=bucket.name, Delete={"Objects": [{"Key": k, "VersionId": v} for k, v in entries(bucket)]})
    expect(len(out["Deleted"]) == 3 and not out.get("Errors"), "DeleteObjects", out)
    bucket.delete()
    expect_error("404 NoSuchBucket", client.list_objects_v2, Bucket=bucket.name)


def checksums(bucket):
    """Writes with each checksum, read back and verified by the SDK."""
    client = bucket.meta.client
    bucket.create()
    for algorithm in ("CRC32", "SHA1", "SHA256"):
        put = client.put_object(Bucket=bucket.name, Key=algorithm, Body=b"body", ChecksumAlgorithm=algorithm)
        got = client.get_object(Bucket=bucket.name, Key=algorithm, ChecksumMode="ENABLED")
        name = "Checksum" + algorithm
        expect(got["Body"].read() == b"body", "body", algorithm)
        expect(put[name] == got[name], "checksum", put.get(name), got.get(name))
    expect_error("400 BadDigest", client.put_object, Bucket=bucket.name, Key="bad", Body=b"body", ChecksumCRC32="AAAAAA==")
    expect(entries(bucket) == [(a, "null") for a in ("CRC32", "SHA1", "SHA256")], "entries", entries(bucket))


def odd_keys(bucket):
    """Keys that something on the way may mangle are written, listed, read and deleted."""
    client = bucket.meta.client
    bucket.create()
    bucket.Versioning().enable()
    keys = ["two words", "a+b", "a%b", "a%2Fb", "a//b", "/lead", "trail/", ".", "..", "a/./b", "../up", "line\nbreak",
            "carriage\rreturn", "<&>'\"", "\U0001faa6", "e\u0301", "x" * 1024, "\u00e9" * 512, "a?b#c=d&e"]
    for k in keys:
        client.put_object(Bucket=bucket.name, Key=k, Body=k.encode())
    in_order = sorted(keys, key=lambda k: k.encode())
    expect([o.key for o in bucket.objects.all()] == in_order, "listing v1", [o.key for o in bucket.objects.all()])
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket.name, PaginationConfig={"PageSize": 5})
    expect([o["Key"] for p in pages for o in p["Contents"]] == in_order, "listing v2")
    expect([k for k, _ in entries(bucket)] == in_order, "versions", entries(bucket))
    for k, version in entries(bucket):
        expect(client.get_object(Bucket=bucket.name, Key=k, VersionId=version)["Body"].read() == k.encode(), "body of", k)
    bucket.objects.delete()
    expect([o.key for o in bucket.objects.all()] == [], "keys are left")
    bucket.object_versions.delete()
    expect(entries(bucket) == [], "entries are left", entries(bucket))
    bucket.delete()


def object_versions_delete(bucket):
    """bucket.object_versions.delete() leaves nothing, so that the bucket goes too."""
    out = bucket.object_versions.delete()
    expect(not any(page.get("Errors") for page in out), "errors", out)
    expect(entries(bucket) == [], "entries are left", len(entries(bucket)))
    bucket.delete()


def objects_delete(bucket):
    """bucket.objects.delete() hides every key; what it leaves is for the caller to judge."""
    out = bucket.objects.delete()
    expect(not any(page.get("Errors") for page in out), "errors", out)
    expect([o.key for o in bucket.objects.all()] == [], "keys are left")


def versions_one_by_one(bucket):
    """ObjectVersion.delete() on each entry, while the listing goes on."""
    for v in bucket.object_versions.page_size(100):
        v.delete()
    expect(entries(bucket) == [], "entries are left", len(entries(bucket)))
    bucket.delete()


def empty_bodies(bucket):
    """Stores and refuses empty objects on one connection, which goes on each time."""
    bucket.create()
    bucket.Versioning().enable()
    one = boto3.client(
        "s3", endpoint_url=sys.argv[1], config=Config(max_pool_connections=1, read_timeout=5, retries={"max_attempts": 1})
    )
    for n in range(3):
        one.put_object(Bucket=bucket.name, Key=f"{n}", Body=b"")
        expect_error("412 PreconditionFailed", one.put_object, Bucket=bucket.name, Key=f"{n}", Body=b"", IfNoneMatch="*")
        one.put_object(Bucket=bucket.name, Key=f"{n}", Body=b"x")
        expect_error("404 NoSuchBucket", one.put_object, Bucket=bucket.name + "-not", Key="k", Body=b"")
    expect(len(entries(bucket)) == 6, "each was to be stored once", entries(bucket))
    bucket.object_versions.delete()
    bucket.delete()


def everyday(bucket):
    """Files up and down in parts, copies, tags, attributes and conditions, in a versioned bucket."""
    client = bucket.meta.client
    bucket.create()
    bucket.Versioning().enable()
    body = random.Random(1).randbytes(20 << 20)
    with tempfile.TemporaryDirectory() as folder:
        up, down = os.path.join(folder, "up"), os.path.join(folder, "down")
        with open(up, "wb") as f:
            f.write(body)
        bucket.upload_file(up, "large", ExtraArgs={"Tagging": "a=b", "Metadata": {"colour": "red"}})
        bucket.download_file("large", down)
        with open(down, "rb") as f:
            expect(f.read() == body, "the file that came back is another")
    large = bucket.Object("large")
    expect(large.e_tag.endswith('-3"'), "no upload in 3 parts", large.e_tag)
    expect(large.get(PartNumber=2)["Body"].read() == body[8 << 20 : 16 << 20], "part 2")
    about = client.get_object_attributes(Bucket=bucket.name, Key="large", ObjectAttributes=["ObjectParts", "ObjectSize"])
    expect(about["ObjectSize"] == len(body) and about["ObjectParts"]["TotalPartsCount"] == 3, "attributes", about)
    tags = client.get_object_tagging(Bucket=bucket.name, Key="large")
    expect(tags["TagSet"] == [{"Key": "a", "Value": "b"}] and tags["VersionId"] == large.version_id, "tags", tags)

    source = {"Bucket": bucket.name, "Key": "large"}
    bucket.copy(source, "copy in parts")
    bucket.Object("copy").copy_from(CopySource=source)
    for key in ("copy in parts", "copy"):
        expect(bucket.Object(key).get()["Body"].read() == body, "body of", key)
    expect(bucket.Object("copy").metadata == {"colour": "red"}, "metadata of the copy", bucket.Object("copy").metadata)

    first, tag = large.version_id, large.e_tag
    newer = large.put(Body=b"newer", IfMatch=tag)["VersionId"]
    expect_error("412 PreconditionFailed", large.put, Body=b"late", IfMatch=tag)
    expect(large.copy_from(CopySource={**source, "VersionId": first})["CopySourceVersionId"] == first, "source version")
    large.reload()
    expect(large.content_length == len(body) and large.version_id not in (first, newer), "the restored version")
    bucket.Object("large").Version(newer).delete()
    expect([v.id for v in bucket.object_versions.filter(Prefix="large")] == [large.version_id, first], "versions")
    large.delete()
    expect(large.Version(first).get()["Body"].read() == body, "the version below the marker")
    bucket.object_versions.delete()
    bucket.delete()


def fetch(url, **arguments):
    """Sends a request as anybody could who was handed the URL."""
    return urllib3.PoolManager().request(arguments.pop("method", "GET"), url, retries=False, **arguments)


def presigned(bucket):
    """URLs and forms that are handed out, each with the signature version 4 and 2."""
    bucket.create()
    bucket.Versioning().enable()
    for version in ("s3v4", "s3"):
        client = boto3.client("s3", endpoint_url=bucket.meta.client.meta.endpoint_url, config=Config(signature_version=version))

        def url(operation, method="GET", **arguments):
            return client.generate_presigned_url(operation, Params={"Bucket": bucket.name, "Key": "k", **arguments}, ExpiresIn=60, HttpMethod=method)

        put = fetch(url("put_object", "PUT"), method="PUT", body=b"one")
        expect(put.status == 200, version, "presigned PUT", put.status, put.data)
        first = put.headers["x-amz-version-id"]
        fetch(url("put_object", "PUT"), method="PUT", body=b"two")
        expect(fetch(url("get_object")).data == b"two", version, "presigned GET")
        named = fetch(url("get_object", VersionId=first, ResponseContentType="text/x", ResponseContentDisposition="attachment"))
        expect(named.data == b"one" and named.headers["Content-Type"] == "text/x", version, "presigned GET of a version", named.data)
        expect(fetch(url("get_object").replace("/k?", "/other?")).status == 403, version, "another key by the same signature")
        expect(fetch(url("delete_object", "DELETE", VersionId=first), method="DELETE").status == 204, version, "presigned DELETE")
        expect(fetch(url("get_object", VersionId=first)).status == 404, version, "the version that is gone")

        form = client.generate_presigned_post(bucket.name, "form/${filename}", Conditions=[["content-length-range", 1, 100]], ExpiresIn=60)
        sent = fetch(form["url"], method="POST", fields={**form["fields"], "file": ("a b.txt", b"by form")})
        expect(sent.status == 204, version, "POST form", sent.status, sent.data)
        expect(bucket.Object("form/a b.txt").get()["Body"].read() == b"by form", version, "what the form wrote")
        long = fetch(form["url"], method="POST", fields={**form["fields"], "file": ("long", b"x" * 101)})
        expect(long.status == 400 and b"EntityTooLarge" in long.data, version, "a form with too much", long.status, long.data)
    bucket.object_versions.delete()
    bucket.delete()


class Stream:
    """An endless pattern, cut off at a size, that hashes what is read of it."""

    def __init__(self, size):
        self.left, self.block, self.at = size, random.Random(2).randbytes((1 << 20) + 4099), 0
        self.sha256, self.crc32 = hashlib.sha256(), 0

    def read(self, n=-1):
        n = self.left if n < 0 else min(n, self.left)
        pieces = []
        while n > 0:
            piece = self.block[self.at : self.at + n]
            pieces.append(piece)
            self.at = (self.at + len(piece)) % len(self.block)
            self.left -= len(piece)
            n -= len(piece)
        data = b"".join(pieces)
        self.sha256.update(data)
        self.crc32 = zlib.crc32(data, self.crc32)
        return data


def large(bucket):
    """1 GiB in parts of 8 MiB, and back.

    The server verifies the sum of each part, the SDK that of the whole where it is one, and the hash of what comes
    back is that of what was sent.
    """
    bucket.create()
    size, source = 1 << 30, Stream(1 << 30)
    begun = time.monotonic()
    bucket.upload_fileobj(source, "large", Config=TransferConfig(multipart_chunksize=8 << 20))
    uploaded = time.monotonic()
    got = bucket.Object("large").get(ChecksumMode="ENABLED")
    expect(got["ETag"].endswith('-128"') and got["ContentLength"] == size, "the object", got)
    back, crc = hashlib.sha256(), 0
    for piece in got["Body"].iter_chunks(1 << 20):
        back.update(piece)
        crc = zlib.crc32(piece, crc)
    expect(back.digest() == source.sha256.digest(), "the hash of what came back")
    expect(crc == source.crc32, "the sum of what came back")
    if got.get("ChecksumType") == "FULL_OBJECT" and "ChecksumCRC32" in got:
        expect(got["ChecksumCRC32"] == base64.b64encode(crc.to_bytes(4, "big")).decode(), "the sum that is stored", got["ChecksumCRC32"])
    sums = {k: v for k, v in got.items() if k.startswith("Checksum")}
    print(f"1 GiB: up in {uploaded - begun:.1f} s, back in {time.monotonic() - uploaded:.1f} s, {sums}")
    bucket.object_versions.delete()
    bucket.delete()


def refused(bucket):
    """DeleteBucket of a versioned bucket that holds anything is refused with this text."""
    try:
        bucket.delete()
    except ClientError as e:
        error = e.response["Error"]
        expect(error["Code"] == "BucketNotEmpty", "DeleteBucket", error)
        expect(error["Message"] == "The bucket you tried to delete is not empty. You must delete all versions in the bucket.", "text", error)
        return
    expect(False, "a bucket that holds something was deleted")


def empty_in_steps(bucket):
    """Objects, then versions, then markers, then uploads, then the bucket, which is refused while an entry is left."""
    client = bucket.meta.client
    refused(bucket)
    bucket.objects.delete()
    expect(next(iter(bucket.objects.all()), None) is None, "keys are left")
    refused(bucket)
    for kind in ("Versions", "DeleteMarkers"):
        for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket.name):
            found = [{"Key": v["Key"], "VersionId": v["VersionId"]} for v in page.get(kind, [])]
            if found:
                out = client.delete_objects(Bucket=bucket.name, Delete={"Objects": found, "Quiet": True})
                expect(not out.get("Errors"), "errors", out)
        if kind == "Versions":
            refused(bucket)
    expect(entries(bucket) == [], "entries are left", len(entries(bucket)))
    uploads = list(bucket.multipart_uploads.all())
    expect(len(uploads) > 1000, "uploads", len(uploads))
    for upload in uploads:
        upload.abort()
    expect(list(bucket.multipart_uploads.all()) == [], "uploads are left")
    bucket.delete()


FLOWS = {f.__name__: f for f in (main_job, checksums, odd_keys, everyday, presigned, large, object_versions_delete,
                                 objects_delete, versions_one_by_one, empty_in_steps, empty_bodies)}


def main():
    endpoint, flow, name = sys.argv[1:]
    config = Config(retries={"total_max_attempts": 1})
    FLOWS[flow](boto3.resource("s3", endpoint_url=endpoint, config=config).Bucket(name))
    print(f"boto3 {boto3.__version__}: {flow} is as it should be")


if __name__ == "__main__":
    main()
