package main

import (
	"fmt"
	"io"
	"net"
	"path/filepath"
)

// printBanner says where the server is, with which keys, and how to begin. Its
// first line ends with the endpoint, which is how a program that picked port 0
// learns the port.
func printBanner(w io.Writer, c config, address net.Addr, keys keyPair, origin keyOrigin, authority string) {
	endpoint := endpointOf(address, c.secure())
	fmt.Fprintf(w, "Tombstone %s listens on %s\n", version(), endpoint)
	if c.memory {
		fmt.Fprintf(w, "data        in memory: gone when the server stops\n")
	} else {
		fmt.Fprintf(w, "data        %s\n", c.data)
	}
	if c.testClock {
		fmt.Fprintf(w, "clock       a test clock: \"tombstone clock\" sets it, which ends locks\n")
	}
	secret, note := shownSecret(c, keys, origin)
	fmt.Fprintf(w, "access key  %s\nsecret key  %s\n", keys.Access, secret+note)
	if authority != "" {
		fmt.Fprintf(w, "trust       %s  (AWS_CA_BUNDLE, SSL_CERT_FILE, NODE_EXTRA_CA_CERTS)\n", authority)
	}
	region := c.region
	if region == "" {
		region = "us-east-1"
	}
	fmt.Fprintf(w, "\nTo begin, paste (AWS CLI):\n\n")
	fmt.Fprintf(w, "  export AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY='%s' AWS_DEFAULT_REGION=%s\n", keys.Access, secret, region)
	if authority != "" {
		fmt.Fprintf(w, "  export AWS_CA_BUNDLE='%s'\n", authority)
	}
	fmt.Fprintf(w, "  aws --endpoint-url %s s3 mb s3://demo\n", endpoint)
	fmt.Fprintf(w, "  aws --endpoint-url %s s3api put-bucket-versioning --bucket demo --versioning-configuration Status=Enabled\n\n", endpoint)
}

// shownSecret returns the secret as the banner shows it, and a remark.
func shownSecret(c config, keys keyPair, origin keyOrigin) (secret, note string) {
	kept := filepath.Join(c.data, keysFile)
	switch {
	case origin == keysDefault:
		return keys.Secret, "  (default pair, accepted on loopback only)"
	case origin == keysMade && c.memory:
		return keys.Secret, "  (made at this start)"
	case origin == keysMade:
		return keys.Secret, "  (made at this start, kept in " + kept + ", not shown again)"
	case origin == keysKept:
		return "...", "  (kept in " + kept + ")"
	default:
		return "...", "  (as it was set)"
	}
}

// endpointOf returns the URL under which this machine reaches address: a
// wildcard is reached through loopback.
func endpointOf(address net.Addr, secure bool) string {
	scheme := "http://"
	if secure {
		scheme = "https://"
	}
	tcp, ok := address.(*net.TCPAddr)
	if ok && tcp.IP.IsUnspecified() {
		return fmt.Sprintf("%s127.0.0.1:%d", scheme, tcp.Port)
	}
	return scheme + address.String()
}

// isLoopback tells whether only this machine reaches address.
func isLoopback(address net.Addr) bool {
	tcp, ok := address.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}
