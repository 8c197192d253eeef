package auth

import (
	"errors"
	"net/http"
	"strings"
)

const (
	trailerSignature = "x-amz-trailer-signature"
	checksumPrefix   = "x-amz-checksum-"
)

// announcedTrailer returns the name in x-amz-trailer, in lower case, or "". It can only be one checksum: S3
// calls anything else not supported (T-VGW). A trailer that the form of the body has no room for would be
// missing at the end, and is refused as S3 refuses that.
func announcedTrailer(h http.Header, payload Payload) (string, error) {
	name := strings.ToLower(strings.TrimSpace(strings.Join(h[headerAmzTrailer], ",")))
	switch {
	case name == "":
		return "", nil
	case !strings.HasPrefix(name, checksumPrefix) || strings.Contains(name, ","):
		return "", &Error{Reason: InvalidRequest, Message: "The value specified in the x-amz-trailer header is not supported"}
	case !payload.trailer():
		return "", malformedTrailer()
	}
	return name, nil
}

// readTrailer reads the lines after the last chunk, up to the empty one that ends the body, and verifies
// that they are the one announced and, in the signed form, its signature.
func (c *chunkReader) readTrailer() error {
	var signed []byte // the lines as they are signed
	provided, budget := "", maxTrailer
	for {
		line, err := c.line(budget)
		if errors.Is(err, errLineTooLong) {
			return malformedTrailer()
		}
		if err != nil {
			return err
		}
		if len(line) == 0 {
			break
		}
		budget -= len(line)
		name, value, ok := parseTrailerLine(string(line))
		if !ok || provided != "" { // nothing follows the signature
			return malformedTrailer()
		}
		if name == trailerSignature && c.payload.signedChunks() {
			provided = value
			continue
		}
		if name != c.announced || len(c.trailer) > 0 {
			return malformedTrailer()
		}
		c.trailer.Set(name, value)
		signed = append(signed, name+":"+value+"\n"...)
	}
	return c.verifyTrailer(signed, provided)
}

// verifyTrailer makes sure that what was announced is there and that the signature is right. S3 answers
// IncompleteBody where a signed trailer is missing altogether (recorded in versity/versitygw#1695), and
// MalformedTrailerError where the announced line is (#1600).
func (c *chunkReader) verifyTrailer(signed []byte, provided string) error {
	if c.payload.signedChunks() && provided == "" && len(signed) == 0 {
		return bodyEnded()
	}
	if c.announced != "" && len(c.trailer) == 0 {
		return malformedTrailer()
	}
	if !c.payload.signedChunks() {
		return nil
	}
	if provided == "" {
		return malformedTrailer()
	}
	return c.chain.trailer(signed, provided)
}

// parseTrailerLine splits `name:value`; white space around both does not count. Both must be there, without
// control characters.
func parseTrailerLine(line string) (name, value string, ok bool) {
	name, value, _ = strings.Cut(line, ":")
	name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
	control := func(c rune) bool { return c < ' ' || c == 0x7f }
	if name == "" || value == "" || strings.ContainsFunc(value, control) {
		return "", "", false
	}
	return name, value, true
}
