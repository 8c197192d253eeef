import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import software.amazon.awssdk.core.ResponseInputStream;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3AsyncClient;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3Configuration;
import software.amazon.awssdk.services.s3.model.*;
import software.amazon.awssdk.services.s3.presigner.S3Presigner;
import software.amazon.awssdk.transfer.s3.S3TransferManager;

/**
 * Plays one flow of the AWS SDK for Java v2 on a bucket and exits with 1 if anything is not as it should be.
 *
 * <p>java -cp 'FOLDER/*' JavaFlows.java ENDPOINT FLOW BUCKET, where FOLDER holds the SDK. Keys and region come from
 * AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION.
 */
public class JavaFlows {
    private static final int MIB = 1 << 20;

    private final URI endpoint;
    private final String bucket;
    private final S3Client s3;

    private JavaFlows(URI endpoint, String bucket) {
        this.endpoint = endpoint;
        this.bucket = bucket;
        this.s3 = S3Client.builder().endpointOverride(endpoint).forcePathStyle(true).build();
    }

    public static void main(String[] args) throws Exception {
        JavaFlows flows = new JavaFlows(URI.create(args[0]), args[2]);
        switch (args[1]) {
            case "main_job" -> flows.mainJob();
            case "everyday" -> flows.everyday();
            default -> throw new IllegalArgumentException(args[1]);
        }
        System.out.println("AWS SDK for Java: " + args[1] + " is as it should be");
        // The transfer manager's threads would keep the process for a while.
        System.exit(0);
    }

    /** A bucket's whole life, from its creation over all versioning states to its end. */
    private void mainJob() throws Exception {
        String key = "dir/a key+%é.txt";
        s3.createBucket(r -> r.bucket(bucket));
        s3.putObject(r -> r.bucket(bucket).key(key).metadata(Map.of("colour", "red")), RequestBody.fromString("zero"));
        equal("red", s3.headObject(r -> r.bucket(bucket).key(key)).metadata().get("colour"));

        setVersioning(BucketVersioningStatus.ENABLED);
        equal(BucketVersioningStatus.ENABLED, s3.getBucketVersioning(r -> r.bucket(bucket)).status());
        String first = put(key, "one");
        String second = put(key, "two".repeat(50_000));
        equal("one", get(key, first));
        equal("zero", get(key, "null"));

        DeleteObjectResponse marker = s3.deleteObject(r -> r.bucket(bucket).key(key));
        equal(true, marker.deleteMarker());
        fails(404, "NoSuchKey", () -> get(key, null));
        fails(405, "MethodNotAllowed", () -> get(key, marker.versionId()));
        fails(409, "BucketNotEmpty", () -> s3.deleteBucket(r -> r.bucket(bucket)));
        equal(true, s3.deleteObject(r -> r.bucket(bucket).key(key).versionId(marker.versionId())).deleteMarker());
        equal(second, s3.headObject(r -> r.bucket(bucket).key(key)).versionId());

        setVersioning(BucketVersioningStatus.SUSPENDED);
        equal(null, put(key, "three"));
        equal(List.of("null", second, first), entries().stream().map(ObjectIdentifier::versionId).toList());
        empty();
    }

    /** Multipart uploads and downloads by the transfer manager, a copy, tags, and presigned URLs, in a versioned bucket. */
    private void everyday() throws Exception {
        s3.createBucket(r -> r.bucket(bucket));
        setVersioning(BucketVersioningStatus.ENABLED);
        for (ChecksumAlgorithm algorithm : List.of(ChecksumAlgorithm.CRC32, ChecksumAlgorithm.SHA1, ChecksumAlgorithm.SHA256)) {
            s3.putObject(r -> r.bucket(bucket).key(algorithm.name()).checksumAlgorithm(algorithm), RequestBody.fromString("body"));
            equal("body", s3.getObjectAsBytes(r -> r.bucket(bucket).key(algorithm.name()).checksumMode(ChecksumMode.ENABLED)).asUtf8String());
        }
        Path file = Files.createTempFile("java", ".up"), back = Files.createTempFile("java", ".down");
        try {
            byte[] large = new byte[20 * MIB];
            for (int i = 0; i < large.length; i++) {
                large[i] = (byte) (i * 2654435761L >>> 24);
            }
            Files.write(file, large);
            String version = transfer(file, back);
            if (!Arrays.equals(large, Files.readAllBytes(back))) {
                throw new AssertionError("the file that came back is another");
            }
            s3.putObjectTagging(r -> r.bucket(bucket).key("large").tagging(t -> t.tagSet(Tag.builder().key("a").value("b").build())));
            equal("b", s3.getObjectTagging(r -> r.bucket(bucket).key("large").versionId(version)).tagSet().get(0).value());
            s3.copyObject(r -> r.sourceBucket(bucket).sourceKey("large").sourceVersionId(version).destinationBucket(bucket).destinationKey("copy"));
            equal((long) large.length, s3.headObject(r -> r.bucket(bucket).key("copy")).contentLength());
        } finally {
            Files.delete(file);
            Files.delete(back);
        }
        presigned();
        empty();
    }

    /** Uploads and downloads a file in parts and returns the version it became. */
    private String transfer(Path file, Path back) {
        try (S3AsyncClient async = S3AsyncClient.builder().endpointOverride(endpoint).forcePathStyle(true).multipartEnabled(true).build();
                S3TransferManager transfers = S3TransferManager.builder().s3Client(async).build()) {
            PutObjectResponse up = transfers.uploadFile(r -> r.source(file).putObjectRequest(p -> p.bucket(bucket).key("large")))
                    .completionFuture().join().response();
            equal(true, up.eTag().endsWith("-3\""));
            transfers.downloadFile(r -> r.destination(back).getObjectRequest(g -> g.bucket(bucket).key("large"))).completionFuture().join();
            return up.versionId();
        }
    }

    private void presigned() throws Exception {
        S3Configuration pathStyle = S3Configuration.builder().pathStyleAccessEnabled(true).build();
        try (S3Presigner signer = S3Presigner.builder().endpointOverride(endpoint).serviceConfiguration(pathStyle).build()) {
            String id = put("by url", "presigned");
            put("by url", "newer");
            HttpURLConnection get = (HttpURLConnection) signer.presignGetObject(r -> r.signatureDuration(Duration.ofMinutes(1))
                    .getObjectRequest(g -> g.bucket(bucket).key("by url").versionId(id))).url().openConnection();
            equal("presigned", new String(get.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
            HttpURLConnection delete = (HttpURLConnection) signer.presignDeleteObject(r -> r.signatureDuration(Duration.ofMinutes(1))
                    .deleteObjectRequest(d -> d.bucket(bucket).key("by url").versionId(id))).url().openConnection();
            delete.setRequestMethod("DELETE");
            equal(204, delete.getResponseCode());
            fails(404, "NoSuchVersion", () -> get("by url", id));
        }
    }

    private void setVersioning(BucketVersioningStatus status) {
        s3.putBucketVersioning(r -> r.bucket(bucket).versioningConfiguration(v -> v.status(status)));
    }

    private String put(String key, String body) {
        return s3.putObject(r -> r.bucket(bucket).key(key), RequestBody.fromString(body)).versionId();
    }

    private String get(String key, String version) throws Exception {
        try (ResponseInputStream<GetObjectResponse> in = s3.getObject(r -> r.bucket(bucket).key(key).versionId(version))) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private List<ObjectIdentifier> entries() {
        List<ObjectIdentifier> all = new ArrayList<>();
        for (ListObjectVersionsResponse page : s3.listObjectVersionsPaginator(r -> r.bucket(bucket))) {
            page.versions().forEach(v -> all.add(ObjectIdentifier.builder().key(v.key()).versionId(v.versionId()).build()));
            page.deleteMarkers().forEach(m -> all.add(ObjectIdentifier.builder().key(m.key()).versionId(m.versionId()).build()));
        }
        return all;
    }

    private void empty() throws Exception {
        DeleteObjectsResponse answer = s3.deleteObjects(r -> r.bucket(bucket).delete(d -> d.objects(entries())));
        equal(List.of(), answer.errors());
        s3.deleteBucket(r -> r.bucket(bucket));
        fails(404, "NoSuchBucket", () -> s3.listObjectsV2(r -> r.bucket(bucket)));
    }

    private interface Call {
        void run() throws Exception;
    }

    private static void fails(int status, String code, Call call) throws Exception {
        try {
            call.run();
        } catch (S3Exception e) {
            equal(status + " " + code, e.statusCode() + " " + e.awsErrorDetails().errorCode());
            return;
        }
        throw new AssertionError(status + " " + code + " expected, found success");
    }

    private static void equal(Object want, Object got) {
        if (want == null ? got != null : !want.equals(got)) {
            throw new AssertionError("wanted " + want + ", found " + got);
        }
    }
}
