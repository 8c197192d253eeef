package policy

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// aclFormat is the version of the stored form, its first byte.
const aclFormat = 1

// maxGrants is how many grants an ACL may hold, as in S3.
const maxGrants = 100

// ErrACLFormat is a stored ACL that cannot be read.
var ErrACLFormat = errors.New("policy: stored ACL is damaged")

// Encode returns the stored form: the byte 1, the owner, the number of grants,
// and each grant as its permission's byte and its grantee. A grantee is
// canonical id, display name and group; each string is its length in bytes and
// the bytes. Numbers are unsigned varints.
func (a ACL) Encode() []byte {
	b := appendGrantee([]byte{aclFormat}, a.Owner)
	b = binary.AppendUvarint(b, uint64(len(a.Grants)))
	for _, g := range a.Grants {
		b = appendGrantee(append(b, byte(g.Permission)), g.Grantee)
	}
	return b
}

func appendGrantee(b []byte, g Grantee) []byte {
	for _, s := range [...]string{g.CanonicalID, g.DisplayName, g.Group} {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	return b
}

// DecodeACL reads what [ACL.Encode] returned. Its error is [ErrACLFormat].
func DecodeACL(data []byte) (*ACL, error) {
	if len(data) == 0 || data[0] != aclFormat {
		return nil, fmt.Errorf("%w: unknown version", ErrACLFormat)
	}
	d := aclDecoder{rest: data[1:]}
	a := &ACL{Owner: d.grantee()}
	n := d.number(maxGrants)
	for range n {
		p := Permission(d.next(1)[0])
		d.bad = d.bad || !p.valid()
		a.Grants = append(a.Grants, Grant{d.grantee(), p})
	}
	if d.bad || len(d.rest) > 0 {
		return nil, ErrACLFormat
	}
	return a, nil
}

// aclDecoder reads the stored form. Once bad it returns zeros.
type aclDecoder struct {
	rest []byte
	bad  bool
}

func (d *aclDecoder) number(limit uint64) int {
	v, n := binary.Uvarint(d.rest)
	if d.bad || n <= 0 || v > limit {
		d.bad = true
		return 0
	}
	d.rest = d.rest[n:]
	return int(v)
}

// next returns the next n bytes, zeros if there are not as many.
func (d *aclDecoder) next(n int) []byte {
	if d.bad || n > len(d.rest) {
		d.bad = true
		return make([]byte, n)
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

func (d *aclDecoder) grantee() Grantee {
	var g Grantee
	for _, s := range [...]*string{&g.CanonicalID, &g.DisplayName, &g.Group} {
		*s = string(d.next(d.number(uint64(len(d.rest)))))
	}
	return g
}
