package auth

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
)

const (
	algorithmChunk   = "AWS4-HMAC-SHA256-PAYLOAD"
	algorithmTrailer = "AWS4-HMAC-SHA256-TRAILER"

	// emptySHA256 stands in every chunk's string to sign.
	emptySHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

	// minChunk is the smallest size of a chunk that is not the last (docs/spec/wire.md §1.2).
	minChunk = 8192
	// maxChunk is the largest size of a chunk: that of the largest PUT.
	maxChunk = 5 << 30
	// maxChunkHeader bounds the line before a chunk: 16 digits, an extension with 64 hex digits, CRLF.
	maxChunkHeader = 16 + len(";chunk-signature=") + 64 + len("\r\n")
	// maxTrailer bounds all lines after the last chunk together. A trailer is one checksum of at most
	// 88 characters and a signature.
	maxTrailer = 2048
	// bufferSize is that of the one buffer of a body; data of chunks mostly passes it by.
	bufferSize = 4096
	// usualText is how much is signed for a chunk, bytes.
	usualText = 384
)

// sources are the buffers of bodies that were read to their end.
var sources = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, bufferSize) }}

// chain signs what follows a request: each link covers the signature before it.
type chain struct {
	key       *signingKey
	date      string
	scope     string
	previous  signature
	accessKey string // with canonical: what an error says about the request
	canonical string
	text      []byte // memory of what was signed last
}

// chunk returns an error unless provided is the signature of a chunk whose data has the given hash.
func (c *chain) chunk(sum []byte, provided string) error {
	var hashes [len(emptySHA256) + 1 + 2*sha256.Size]byte
	return c.link(algorithmChunk, hex.AppendEncode(append(hashes[:0], emptySHA256+"\n"...), sum), provided)
}

// trailer returns an error unless provided is the signature of the trailer lines.
func (c *chain) trailer(lines []byte, provided string) error {
	sum := sha256.Sum256(lines)
	return c.link(algorithmTrailer, hexText(sum[:]), provided)
}

// link checks one signature of the chain and makes it the one that the next covers.
func (c *chain) link(algorithm string, hashes []byte, provided string) error {
	toSign := slices.Grow(c.text[:0], usualText)
	for _, line := range []string{algorithm, c.date, c.scope} {
		toSign = append(toSign, line...)
		toSign = append(toSign, '\n')
	}
	toSign = hex.AppendEncode(toSign, c.previous[:])
	toSign = append(toSign, '\n')
	toSign = append(toSign, hashes...)
	c.text = toSign
	computed := c.key.sign(toSign)
	if !computed.equalHex(provided) {
		return mismatch(c.accessKey, string(toSign), provided, c.canonical)
	}
	c.previous = computed
	return nil
}

func hexText(sum []byte) []byte { return hex.AppendEncode(nil, sum) }

// chunkReader decodes an aws-chunked body.
//
//	body    = chunks last trailer CRLF
//	chunk   = size [";chunk-signature=" signature] CRLF data CRLF
//	last    = "0"  [";chunk-signature=" signature] CRLF
//	trailer = *(name ":" value CRLF) ["x-amz-trailer-signature:" signature CRLF]
type chunkReader struct {
	source    *bufio.Reader // nil once Read has returned an error
	payload   Payload
	expected  int64       // announced length of the payload
	announced string      // name of the trailer
	trailer   http.Header // filled at the end

	number    int64 // of the current chunk, from 1; 0 before the first
	size      int64 // of the current chunk
	left      int64 // bytes of the current chunk not yet delivered
	decoded   int64 // sizes of all chunks up to and with the current one
	signature string
	sum       hash.Hash // of the current chunk's data
	digest    [sha256.Size]byte
	chain     chain
}

func newChunkReader(source io.Reader, s *Session, b *Body) *chunkReader {
	c := &chunkReader{
		source:    sources.Get().(*bufio.Reader),
		payload:   s.payload,
		expected:  b.length,
		announced: b.announced,
		trailer:   b.trailer,
		chain:     s.chain,
	}
	c.source.Reset(source)
	if s.payload.signedChunks() {
		c.sum = sha256.New()
	}
	return c
}

// Read must not be called again once it has returned an error, for [Body] does not either.
func (c *chunkReader) Read(p []byte) (int, error) {
	n, err := c.read(p)
	if err != nil {
		c.source.Reset(nil)
		sources.Put(c.source)
		c.source = nil
	}
	return n, err
}

func (c *chunkReader) read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for c.left == 0 {
		if err := c.nextChunk(); err != nil {
			return 0, err
		}
	}
	n, err := c.source.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if c.sum != nil {
		c.sum.Write(p[:n])
	}
	if isEnd(err) {
		err = bodyEnded()
	}
	return n, err
}

// nextChunk ends the current chunk and reads the header of the next. After the last it reads and verifies
// all that is left, and returns io.EOF.
func (c *chunkReader) nextChunk() error {
	if err := c.endChunk(); err != nil {
		return err
	}
	size, err := c.chunkHeader()
	if err != nil {
		return err
	}
	if size > 0 && c.number > 0 && c.size < minChunk {
		return c.smallChunk()
	}
	if size > c.expected-c.decoded {
		return bodyLength(c.expected, c.decoded+size)
	}
	c.number++
	c.size, c.left = size, size
	c.decoded += size
	if c.sum != nil {
		c.sum.Reset()
	}
	if size > 0 {
		return nil
	}
	return c.end()
}

// smallChunk is the answer to a chunk after one that is too small. S3 numbers the chunk at which it noticed,
// and gives the size of the one before (recorded in versity/versitygw#1665 and #1683).
func (c *chunkReader) smallChunk() error {
	return &Error{
		Reason:  InvalidChunkSizeError,
		Message: "Only the last chunk is allowed to have a size less than 8192 bytes",
		Fields: []Field{
			{"Chunk", strconv.FormatInt(c.number+1, 10)},
			{"BadChunkSize", strconv.FormatInt(c.size, 10)},
		},
	}
}

// endChunk reads what follows the data of the current chunk and verifies its signature.
func (c *chunkReader) endChunk() error {
	if c.number == 0 {
		return nil
	}
	if err := c.emptyLine(); err != nil {
		return err
	}
	return c.verifyChunk()
}

func (c *chunkReader) verifyChunk() error {
	if c.sum == nil {
		return nil
	}
	return c.chain.chunk(c.sum.Sum(c.digest[:0]), c.signature)
}

// end reads and verifies what follows the header of the last chunk, and returns io.EOF if all is well.
func (c *chunkReader) end() error {
	if err := c.verifyChunk(); err != nil {
		return err
	}
	if c.decoded != c.expected {
		return bodyLength(c.expected, c.decoded)
	}
	if c.payload.trailer() {
		if err := c.readTrailer(); err != nil {
			return err
		}
	} else if err := c.emptyLine(); err != nil {
		return err
	}
	_, err := c.source.ReadByte()
	if err == nil || errors.Is(err, io.ErrUnexpectedEOF) { // something follows, or something of HTTP is missing
		return bodyEnded()
	}
	return err
}

// chunkHeader reads the line before a chunk, keeps its signature and returns its size.
func (c *chunkReader) chunkHeader() (int64, error) {
	line, err := c.framing(maxChunkHeader)
	if err != nil {
		return 0, err
	}
	digits, extension, extended := bytes.Cut(line, []byte(";"))
	if extended != c.payload.signedChunks() {
		return 0, bodyEnded()
	}
	if extended {
		provided, ok := bytes.CutPrefix(extension, []byte("chunk-signature="))
		c.signature = string(provided)
		if !ok || !isSHA256Hex(c.signature) {
			return 0, bodyEnded()
		}
	}
	size, err := strconv.ParseUint(string(digits), 16, 63)
	if err != nil || size > maxChunk {
		return 0, bodyEnded()
	}
	return int64(size), nil
}

func (c *chunkReader) emptyLine() error {
	line, err := c.framing(len("\r\n"))
	if err == nil && len(line) > 0 {
		return bodyEnded()
	}
	return err
}

// framing reads a line of the framing, where one that is too long means what any other fault does. The result
// is valid until the next read.
func (c *chunkReader) framing(limit int) ([]byte, error) {
	line, err := c.line(limit)
	if errors.Is(err, errLineTooLong) {
		return nil, bodyEnded()
	}
	return line, err
}

// errLineTooLong is returned by line; what it means to the client depends on the place.
var errLineTooLong = errors.New("line too long")

// line reads up to CRLF, which is not part of the result, and at most limit bytes with it. A lone LF does
// not end a line: minio-go ends a trailer by LF CRLF, and S3 accepts it. The result is valid until the next
// read.
func (c *chunkReader) line(limit int) ([]byte, error) {
	var before []byte // ended by lone LFs
	for {
		line, err := c.source.ReadSlice('\n')
		if before != nil {
			line = append(before, line...)
		}
		if isEnd(err) {
			return nil, bodyEnded()
		}
		if errors.Is(err, bufio.ErrBufferFull) || len(line) > limit {
			return nil, errLineTooLong
		}
		if err != nil {
			return nil, err
		}
		if bytes.HasSuffix(line, []byte("\r\n")) {
			return line[:len(line)-2], nil
		}
		if before == nil {
			line = bytes.Clone(line) // the next read overwrites the buffer
		}
		before = line
	}
}
