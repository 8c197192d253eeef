package api

import "github.com/seed61737384/tombstone/store"

// requestPayment is who pays for the requests of a bucket.
type requestPayment string

const (
	ownerPays     requestPayment = "BucketOwner"
	requesterPays requestPayment = "Requester"
)

// payerHeader says that whoever sends the request pays, in canonical form.
const payerHeader = "X-Amz-Request-Payer"

// readRequestPayment reads a RequestPaymentConfiguration.
func readRequestPayment(r *xmlReader) (configuration, error) {
	values, err := r.leaves("Payer")
	switch p := requestPayment(values["Payer"]); {
	case err != nil:
		return nil, err
	case p != ownerPays && p != requesterPays:
		return nil, errXML
	default:
		return p, nil
	}
}

func (p requestPayment) write(d *document) { d.text("Payer", string(p)) }

// parseRequestPayment reads a document that was kept.
func parseRequestPayment(document []byte) (*requestPayment, error) {
	kept := keptConfigs["requestPayment"]
	c, err := kept.parse(document)
	if err != nil {
		return nil, err
	}
	p := c.(requestPayment)
	return &p, nil
}

// checkPayer holds the request against the payment of its bucket (spec AP5).
func (x *exchange) checkPayer() error {
	if x.level == service || x.creates() || x.preflights() {
		return nil
	}
	return x.checkPayerOf(&x.found)
}

// checkPayerOf refuses whoever does not say that they pay, in a bucket where requesters
// do: everybody but the account that owns it, and nobody unknown (spec AP5-1). The
// answer says that they did, unless it refuses the request (spec AP5-2).
func (x *exchange) checkPayerOf(b *store.Bucket) error {
	if x.ownsBucket(b) {
		return nil
	}
	p, err := store.Parsed(x.Context(), x.h.store, b.Name, store.ConfigRequestPayment, parseRequestPayment)
	if err != nil || p == nil || *p == ownerPays {
		return err
	}
	if x.caller.Principal.Anonymous() || x.payer() != "requester" {
		return refuse("AccessDenied")
	}
	x.set("x-amz-request-charged", "requester")
	return nil
}

// payer returns who the request says pays: in a header, in the parameter of a presigned
// URL, which stands among the headers by now, or in a field of a form.
func (x *exchange) payer() string {
	if x.form != nil && !x.sent(payerHeader) {
		value, _ := x.form.fields.Lookup(payerHeader)
		return value
	}
	return x.header(payerHeader)
}
