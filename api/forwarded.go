package api

import (
	"net/http"
	"net/netip"
	"strings"
)

// origin is where a request comes from: what its connection says, or what a
// trusted proxy says of the connection that it stands for.
type origin struct {
	remote  netip.Addr // zero if it is not known
	secure  bool       // the client's connection is encrypted
	proxied bool       // a trusted proxy handed the request on
	host    string     // as the client asked for it
}

// originOf reads the connection of r and, if its other end is one of the trusted
// proxies, X-Forwarded-For, -Proto and -Host. Anybody can send these headers, so
// from anybody else they say nothing.
func originOf(r *http.Request, trusted []netip.Prefix) origin {
	o := origin{remote: addressOf(r.RemoteAddr), secure: r.TLS != nil, host: r.Host}
	if !oneOf(trusted, o.remote) {
		return o
	}
	o.proxied = true
	o.remote = clientOf(r.Header["X-Forwarded-For"], o.remote, trusted)
	if proto := lastOf(r.Header["X-Forwarded-Proto"]); proto != "" {
		o.secure = strings.EqualFold(proto, "https")
	}
	if host := lastOf(r.Header["X-Forwarded-Host"]); host != "" {
		o.host = host
	}
	return o
}

// clientOf returns the last address of a chain that no trusted proxy has: what
// stands before it was written by whoever is there. Each proxy appends whom it
// talked to; peer is the nearest one.
func clientOf(chain []string, peer netip.Addr, trusted []netip.Prefix) netip.Addr {
	hops := strings.Split(strings.Join(chain, ","), ",")
	for i := len(hops) - 1; i >= 0 && oneOf(trusted, peer); i-- {
		hop := addressOf(strings.TrimSpace(hops[i]))
		if !hop.IsValid() {
			break
		}
		peer = hop
	}
	return peer
}

// lastOf returns the last element of a list header, which the nearest proxy wrote.
func lastOf(values []string) string {
	if len(values) == 0 {
		return ""
	}
	last := values[len(values)-1]
	return strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])
}

// addressOf reads an address with or without a port, and is zero if it is none.
// An IPv4 address is itself however it is written.
func addressOf(text string) netip.Addr {
	if with, err := netip.ParseAddrPort(text); err == nil {
		return with.Addr().Unmap()
	}
	alone, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return alone.Unmap()
}

func oneOf(nets []netip.Prefix, a netip.Addr) bool {
	for _, n := range nets {
		if n.Contains(a.WithZone("")) {
			return true
		}
	}
	return false
}

// checkFraming refuses a request with two lengths, of which a proxy in front of
// this server may have believed the other one: what follows would be taken for a
// request of somebody else (RFC 9112 §6.1).
func (x *exchange) checkFraming() error {
	if len(x.r.TransferEncoding) == 0 || !x.sent("Content-Length") {
		return nil
	}
	x.closing = true
	return refuseWith("InvalidRequest", "Content-Length and Transfer-Encoding must not be sent together.")
}
