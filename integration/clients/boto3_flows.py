#!/usr/bin/env python3
"""Plays one flow of boto3 on a bucket and exits with 1 if anything is not as it should be.

    boto3_flows.py ENDPOINT FLOW BUCKET

Keys and region come from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_DEFAULT_REGION.
The flows are the functions below that take a bucket.
"""

import sys

import boto3
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


FLOWS = {f.__name__: f for f in (main_job, checksums, odd_keys, object_versions_delete, objects_delete, versions_one_by_one)}


def main():
    endpoint, flow, name = sys.argv[1:]
    config = Config(retries={"total_max_attempts": 1})
    FLOWS[flow](boto3.resource("s3", endpoint_url=endpoint, config=config).Bucket(name))
    print(f"boto3 {boto3.__version__}: {flow} is as it should be")


if __name__ == "__main__":
    main()
