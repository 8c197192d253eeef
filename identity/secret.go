package identity

import "log/slog"

// redacted is what is printed in the place of a secret.
const redacted = "[redacted]"

// Secret is a text that prints as "[redacted]" in every form: fmt, log/slog and JSON. It is kept behind a pointer, so
// that also fmt of a struct that hides it shows no more than an address.
type Secret struct{ text *string }

// NewSecret returns text as a secret.
func NewSecret(text string) Secret { return Secret{&text} }

// Reveal returns the text.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// String returns "[redacted]".
func (Secret) String() string { return redacted }

// GoString returns "[redacted]".
func (Secret) GoString() string { return redacted }

// LogValue returns "[redacted]".
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "[redacted]": who shows a secret does so by Reveal.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
