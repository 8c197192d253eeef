package auth

import (
	"strconv"
	"sync"
	"testing"
)

// TestSigningKeys keeps the cache bounded and apart by secret.
func TestSigningKeys(t *testing.T) {
	var cache signingKeys
	id := signingKeyID{secret: "a", date: "20130524", region: "us-east-1"}
	key := cache.key(id)
	cache.remember(id, key)
	if cache.key(id) != key || key.key != deriveSigningKey("a", "20130524", "us-east-1") {
		t.Error("the remembered key is another one")
	}
	other := id
	other.secret = "b"
	if cache.key(other).key == key.key {
		t.Error("two secrets have the same key")
	}
	for i := range 3 * maxSigningKeys {
		cache.remember(signingKeyID{region: strconv.Itoa(i)}, key)
		if len(cache.keys) > maxSigningKeys {
			t.Fatalf("the cache holds %d keys", len(cache.keys))
		}
	}
}

// TestSigningKeySigns shows that a key signs the same however often it did.
func TestSigningKeySigns(t *testing.T) {
	key := newSigningKey("a", "20130524", "us-east-1")
	for i := range 5 {
		message := []byte(strconv.Itoa(i))
		if got, want := key.sign(message), sign(key.key[:], message); got != want {
			t.Fatalf("signature %d is %x, not %x", i, got, want)
		}
	}
}

// TestSigningKeysOnlyVerified shows that a wrong signature leaves nothing in the cache.
func TestSigningKeysOnlyVerified(t *testing.T) {
	v := exampleVerifier()
	v.Region = ""
	r := parseRequest(t, "GET / HTTP/1.1\nHost: h\nX-Amz-Date: 20130524T000000Z\nX-Amz-Content-Sha256: UNSIGNED-PAYLOAD\n"+
		"Authorization: AWS4-HMAC-SHA256 Credential="+exampleKey+"/20130524/anywhere/s3/aws4_request,"+
		"SignedHeaders=host;x-amz-date,Signature=00\n\n")
	if _, err := v.Verify(r, "", exampleTime); err == nil {
		t.Fatal("verified")
	}
	if len(v.cache.keys) != 0 {
		t.Errorf("the cache holds %d keys", len(v.cache.keys))
	}
}

// TestVerifyConcurrently uses one verifier from many sides; the race detector watches.
func TestVerifyConcurrently(t *testing.T) {
	v := exampleVerifier()
	v.Region = ""
	var wait sync.WaitGroup
	for i := range 8 {
		r := parseRequest(t, "GET / HTTP/1.1\nHost: h\nX-Amz-Date: 20130524T000000Z\nX-Amz-Content-Sha256: UNSIGNED-PAYLOAD\n\n")
		r.Header.Set(headerAuthorization, signWithSDK(t, r, exampleSecret, "region-"+strconv.Itoa(i%4), exampleTime))
		wait.Go(func() {
			for range 50 {
				if _, err := v.Verify(r, "", exampleTime); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	if len(v.cache.keys) != 4 {
		t.Errorf("the cache holds %d keys", len(v.cache.keys))
	}
}
