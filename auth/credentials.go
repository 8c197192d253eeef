package auth

// Credential is an access key and its secret.
type Credential struct{ AccessKey, Secret string }

// String returns the access key, and leaves the secret out.
func (c Credential) String() string { return c.AccessKey }

// GoString leaves the secret out.
func (c Credential) GoString() string { return "auth.Credential{" + c.AccessKey + "}" }

// MarshalText returns the access key alone: a log that writes JSON has no secret either.
func (c Credential) MarshalText() ([]byte, error) { return []byte(c.AccessKey), nil }

// Keys finds credentials by access key id. It is asked on every signed request and must be safe for
// concurrent use.
type Keys interface {
	// Credential returns the credential of accessKey, and false when there is none.
	Credential(accessKey string) (Credential, bool)
}

// StaticKeys is a fixed set of credentials by access key id. It must not change once it is in use.
type StaticKeys map[string]Credential

var _ Keys = StaticKeys(nil)

// NewStaticKeys returns the set of the given credentials. Of two with the same access key the last stays.
func NewStaticKeys(credentials ...Credential) StaticKeys {
	keys := make(StaticKeys, len(credentials))
	for _, c := range credentials {
		keys[c.AccessKey] = c
	}
	return keys
}

// Credential returns the credential of accessKey, and false when there is none.
func (k StaticKeys) Credential(accessKey string) (Credential, bool) {
	c, ok := k[accessKey]
	return c, ok
}
