package auth

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Sign signs r, which is about to be sent, by Signature Version 4 in its header (docs/spec/wire.md §1.1). Its body is
// the given one. It sets Host, X-Amz-Date, X-Amz-Content-Sha256 and Authorization; all other headers that stand in r
// are signed as they are, so they must not change afterwards. Now is the wall clock.
func Sign(r *http.Request, c Credential, region string, body []byte, now time.Time) {
	if r.Host == "" {
		r.Host = r.URL.Host
	}
	sum := sha256.Sum256(body)
	payload := hex.EncodeToString(sum[:])
	now = now.UTC()
	r.Header.Set(headerAmzDate, now.Format(basicISO))
	r.Header.Set(headerAmzSHA256, payload)
	names := []string{"host"}
	for name := range r.Header {
		if name != headerAuthorization {
			names = append(names, strings.ToLower(name))
		}
	}
	slices.Sort(names)
	signed := strings.Join(names, ";")
	scope := credentialScope{accessKey: c.AccessKey, date: now.Format(scopeDate), region: region, service: service, terminator: terminator}
	canonical := appendCanonicalRequest(nil, r, signed, payload)
	toSign := appendStringToSign(nil, now.Format(basicISO), scope.String(), sha256.Sum256(canonical))
	key := deriveSigningKey(c.Secret, scope.date, region)
	made := sign(key[:], toSign)
	r.Header.Set(headerAuthorization, algorithmV4+" Credential="+c.AccessKey+"/"+scope.String()+
		", SignedHeaders="+signed+", Signature="+hex.EncodeToString(made[:]))
}
