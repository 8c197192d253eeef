package api

import (
	"bytes"
	"errors"
	"net/http"

	"github.com/seed61737384/tombstone/store"
)

// maxConfigDocument bounds the configuration documents that are kept, bytes: Amazon
// takes CORS configurations up to that long, and no other is longer.
const maxConfigDocument = 64 << 10

// configuration is a configuration of a bucket, read and found good.
type configuration interface {
	// write writes what the root element holds.
	write(*document)
}

// keptConfig is a sub-resource whose document is kept as it was put.
type keptConfig struct {
	kind store.ConfigKind
	root string
	// read reads what the root element holds, to its end. A violation of the schema
	// is errXML.
	read func(*xmlReader) (configuration, error)
	// initial is what a bucket has until it is given one, nil for nothing.
	initial configuration
	// check refuses what the bucket cannot have as it is, nil for nothing.
	check func(*exchange, configuration) error
	// initialAgain says that a DELETE brings back initial, and not nothing.
	initialAgain bool
	// code answers a GET if there is none.
	code Code
	// status answers a PUT.
	status int
}

// keptConfigs are the sub-resources that are kept, by name. The answers are those
// recorded from Amazon (R-LS: TestS3BucketObjectTagging, TestS3BucketEncryption,
// TestS3BucketOwnershipControls, TestS3PublicAccessBlock, TestS3Cors).
var keptConfigs = map[string]keptConfig{
	"tagging": {
		kind: store.ConfigTagging, root: "Tagging", read: readBucketTagging,
		code: "NoSuchTagSet", status: http.StatusNoContent,
	},
	"cors": {
		kind: store.ConfigCORS, root: "CORSConfiguration", read: readCORS,
		code: "NoSuchCORSConfiguration", status: http.StatusOK,
	},
	"accelerate": {
		kind: store.ConfigAccelerate, root: "AccelerateConfiguration", read: readAcceleration,
		initial: acceleration{}, status: http.StatusOK,
	},
	"encryption": {
		kind: store.ConfigEncryption, root: "ServerSideEncryptionConfiguration", read: readEncryption,
		initial: encryption{}, initialAgain: true, status: http.StatusOK,
	},
	"ownershipControls": {
		kind: store.ConfigOwnershipControls, root: "OwnershipControls", read: readOwnership,
		initial: bucketOwnerEnforced, check: checkOwnershipChange,
		code: "OwnershipControlsNotFoundError", status: http.StatusOK,
	},
	"requestPayment": {
		kind: store.ConfigRequestPayment, root: "RequestPaymentConfiguration", read: readRequestPayment,
		initial: ownerPays, status: http.StatusOK,
	},
	"publicAccessBlock": {
		kind: store.ConfigPublicAccessBlock, root: "PublicAccessBlockConfiguration", read: readPublicAccessBlock,
		initial: blockAll, code: "NoSuchPublicAccessBlockConfiguration", status: http.StatusOK,
	},
}

// prepareGetKept shows a configuration that is kept, or what holds without one.
func prepareGetKept(x *exchange) (task, error) {
	return task{run: func() error {
		kept := keptConfigs[x.op.sub]
		data, err := x.h.store.Config(x.Context(), x.bucket, kept.kind)
		switch {
		case err != nil:
			return err
		case data == nil && kept.initial != nil:
			data = kept.render(kept.initial)
		case len(data) == 0:
			return &failure{code: kept.code}
		}
		x.beginBody(http.StatusOK)
		_, err = x.Write(data)
		return err
	}}, nil
}

// beginBody sends the head of an answer with a document that is written already.
func (x *exchange) beginBody(status int) {
	x.set("Content-Type", "application/xml")
	if x.r.ProtoMajor == 1 {
		x.set("Transfer-Encoding", "chunked")
	}
	x.WriteHeader(status)
}

// preparePutKept replaces a configuration that is kept. One that says nothing
// removes what there was.
func preparePutKept(x *exchange) (task, error) {
	kept := keptConfigs[x.op.sub]
	document, err := x.readConfig()
	if err != nil {
		return task{}, err
	}
	c, err := kept.parse(document)
	if errors.Is(err, errXML) {
		return task{}, refuse("MalformedXML")
	}
	if err != nil {
		return task{}, err
	}
	var data []byte
	if c != nil {
		data = kept.render(c)
	}
	return task{run: func() error {
		if kept.check != nil {
			if err := kept.check(x, c); err != nil {
				return err
			}
		}
		if err := x.h.store.SetConfig(x.Context(), x.bucket, kept.kind, data, x.maker()); err != nil {
			return err
		}
		x.WriteHeader(kept.status)
		return nil
	}}, nil
}

// prepareDeleteKept removes a configuration. That a bucket was meant to have none is
// kept as an empty document where it would have one otherwise.
func prepareDeleteKept(x *exchange) (task, error) {
	return task{run: func() error {
		x.ignoreBody()
		kept := keptConfigs[x.op.sub]
		var data []byte
		if kept.initial != nil && !kept.initialAgain {
			data = []byte{}
		}
		if err := x.h.store.SetConfig(x.Context(), x.bucket, kept.kind, data, x.maker()); err != nil {
			return err
		}
		x.WriteHeader(http.StatusNoContent)
		return nil
	}}, nil
}

// render writes the whole document of c.
func (k *keptConfig) render(c configuration) []byte {
	var buf bytes.Buffer
	d := newDocument(&buf, k.root, false)
	c.write(d)
	_ = d.end(k.root) // a buffer takes everything
	return buf.Bytes()
}

// parse reads a document to its end, nil if it says nothing. A violation of the
// schema is errXML.
func (k *keptConfig) parse(document []byte) (configuration, error) {
	return parseConfig(document, k.root, k.read)
}

// parseConfig reads a document with the given root to its end.
func parseConfig(document []byte, root string, read func(*xmlReader) (configuration, error)) (configuration, error) {
	r, err := openXML(document, root)
	if err != nil {
		return nil, err
	}
	c, err := read(r)
	if err != nil {
		return nil, err
	}
	return c, r.finish()
}

// readConfig reads a body that has to hold something.
func (x *exchange) readConfig() ([]byte, error) {
	data, err := x.readDocument(maxConfigDocument)
	if err == nil && len(data) == 0 {
		err = refuse("MissingRequestBodyError")
	}
	return data, err
}

// openDocument reads the body and begins it as a document with the given root.
func (x *exchange) openDocument(root string) (*xmlReader, error) {
	data, err := x.readConfig()
	if err != nil {
		return nil, err
	}
	r, err := openXML(data, root)
	if err != nil {
		return nil, refuse("MalformedXML")
	}
	return r, nil
}

// each enters the children of the open element one after the other, to its end.
// What read is called for it has to read to its end.
func (r *xmlReader) each(read func(name string) error) error {
	for {
		name, ok, err := r.child()
		if err != nil || !ok {
			return err
		}
		if err := read(name); err != nil {
			return err
		}
	}
}

// readChildren reads a whole document with the given root, whose children stand there
// once at most. What read is called for it has to read to its end. A violation of the
// schema is MalformedXML.
func readChildren(data []byte, root string, read func(r *xmlReader, name string) error) error {
	r, err := openXML(data, root)
	seen := map[string]bool{}
	if err == nil {
		err = r.each(func(name string) error {
			if seen[name] {
				return errXML
			}
			seen[name] = true
			return read(r, name)
		})
	}
	if err == nil {
		err = r.finish()
	}
	if errors.Is(err, errXML) {
		return refuse("MalformedXML")
	}
	return err
}

// leaves reads the children of the open element, each of which holds text, is one of
// names, and stands there once at most.
func (r *xmlReader) leaves(names ...string) (map[string]string, error) {
	values := make(map[string]string, len(names))
	return values, r.each(func(name string) error {
		text, err := r.text()
		if _, again := values[name]; err != nil || again || !isOneOf(name, names) {
			return errXML
		}
		values[name] = text
		return nil
	})
}

func isOneOf(s string, list []string) bool {
	for _, item := range list {
		if s == item {
			return true
		}
	}
	return false
}

// parseFlag reads a value that is true or false.
func parseFlag(text string) (bool, error) {
	switch text {
	case "true", "TRUE":
		return true, nil
	case "false", "FALSE":
		return false, nil
	}
	return false, errXML
}
