package api

import "github.com/seed61737384/tombstone/store"

// isPinned reports whether the server was given the region that it is in. One that was not
// serves the buckets of every region.
func (h *Handler) isPinned() bool { return h.verifier.Region != "" }

// isHome reports whether a region is the one that the server is in.
func (h *Handler) isHome(region string) bool {
	return canonicalRegion(region) == canonicalRegion(h.region)
}

// regionOf returns the region that b is shown in. One without a region is where the server
// is.
func (x *exchange) regionOf(b *store.Bucket) string {
	if b.Region != "" {
		return canonicalRegion(b.Region)
	}
	return x.h.region
}

// checkRegion sends away requests about a bucket of another region than the one that the
// server was given, with the region that would be right (spec WI2.2-49). A server that was
// given none serves all. GetBucketLocation is answered everywhere, for clients ask it where
// to turn to.
//
// 307 TemporaryRedirect, which S3 answers while the names of a new bucket spread, does not
// occur: there are no names to spread.
func (x *exchange) checkRegion() error {
	home := x.regionOf(&x.found)
	if !x.h.isPinned() || x.h.isHome(home) || x.op.name == "GetBucketLocation" {
		return nil
	}
	// The top-level domain is kept from ever being anybody's: clients that follow the
	// endpoint are to find nothing rather than somebody else's server.
	f := refuse("PermanentRedirect", "Endpoint", x.bucket+".s3."+home+".invalid", "Bucket", x.bucket)
	f.headers = []pair{{"x-amz-bucket-region", home}}
	return f
}

// canonicalRegion returns the name of a region that signatures use: a bucket may have been
// made with the oldest constraint there is.
func canonicalRegion(location string) string {
	if location == "EU" {
		return "eu-west-1"
	}
	return location
}
