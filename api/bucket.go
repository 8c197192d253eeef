package api

import (
	"errors"
	"net/http"
	"strings"

	"github.com/seed61737384/tombstone/store"
)

func prepareHeadBucket(x *exchange) (task, error) {
	return task{run: func() error {
		x.set("x-amz-bucket-region", x.regionOf(&x.found))
		x.set("x-amz-access-point-alias", "false")
		x.WriteHeader(http.StatusOK)
		return nil
	}}, nil
}

func prepareGetBucketLocation(x *exchange) (task, error) {
	return task{run: func() error {
		d := x.beginDocument(http.StatusOK, "LocationConstraint", false)
		region := x.found.Region // as it was asked for: EU stays EU
		if region == "" {
			region = x.h.region
		}
		if region != defaultRegion {
			d.chars(region)
		}
		return d.end("LocationConstraint")
	}}, nil
}

func prepareDeleteBucket(x *exchange) (task, error) {
	return task{bypass: x.forces(), run: func() error {
		err := x.h.store.DeleteBucket(x.Context(), x.bucket, x.maker())
		if errors.Is(err, store.ErrBucketNotEmpty) && x.forces() {
			return x.forceDelete()
		}
		if err != nil {
			return x.notEmpty(err)
		}
		x.WriteHeader(http.StatusNoContent)
		return nil
	}}, nil
}

// reservedPrefixes and reservedSuffixes are the parts of names that S3 keeps to
// itself (spec WI3-9).
var (
	reservedPrefixes = []string{"xn--", "sthree-", "amzn-s3-demo-"}
	reservedSuffixes = []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"}
)

// validBucketName reports whether a bucket may be created under name (spec WI3-9).
func validBucketName(name string) bool {
	if len(name) < 3 || len(name) > 63 || strings.Contains(name, "..") || isIPv4(name) {
		return false
	}
	for i := range len(name) {
		c := name[i]
		inner := i > 0 && i < len(name)-1
		if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || inner && (c == '.' || c == '-')) {
			return false
		}
	}
	for _, prefix := range reservedPrefixes {
		if strings.HasPrefix(name, prefix) {
			return false
		}
	}
	for _, suffix := range reservedSuffixes {
		if strings.HasSuffix(name, suffix) {
			return false
		}
	}
	return true
}

// isIPv4 reports whether name looks like an IPv4 address: four groups of digits.
func isIPv4(name string) bool {
	groups := strings.Split(name, ".")
	for _, g := range groups {
		if len(g) == 0 || len(g) > 3 || strings.Trim(g, "0123456789") != "" {
			return false
		}
	}
	return len(groups) == 4
}
