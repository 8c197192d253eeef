package api

import "net/http"

// unset are the sub-resources that no bucket has: what a GET answers. The codes and
// texts are Amazon's (spec WI2.2-42, WI2.2-44, AP3-10, OL1.1-8).
var unset = map[string]struct{ code Code }{
	"analytics":             {code: "NoSuchConfiguration"},
	"intelligent-tiering":   {code: "NoSuchConfiguration"},
	"inventory":             {code: "NoSuchConfiguration"},
	"metrics":               {code: "NoSuchConfiguration"},
	"metadataConfiguration": {code: "MetadataConfigurationNotFound"},
	"metadataTable":         {code: "MetadataTableConfigurationNotFound"},
	"replication":           {code: "ReplicationConfigurationNotFoundError"},
	"website":               {code: "NoSuchWebsiteConfiguration"},
}

func prepareGetUnset(x *exchange) (task, error) {
	return task{run: func() error { return &failure{code: unset[x.op.sub].code} }}, nil
}

// prepareDeleteUnset deletes what is not there, which is no error.
func prepareDeleteUnset(x *exchange) (task, error) {
	return task{run: func() error {
		x.ignoreBody()
		x.WriteHeader(http.StatusNoContent)
		return nil
	}}, nil
}

// unchanging is a sub-resource of one element that is what it is.
type unchanging struct {
	root, element string
	shown         string // by a GET
	accepted      string // by a PUT, for it says what holds anyway
	refused       string // by a PUT, 501
}

// unchangings are these sub-resources, by name.
var unchangings = map[string]unchanging{
	"abac": {"AbacStatus", "Status", "Disabled", "Disabled", "Enabled"},
}

// emptied are the sub-resources that are a document without content: the name of
// its root.
var emptied = map[string]string{
	"logging":      "BucketLoggingStatus",
	"notification": "NotificationConfiguration",
}

// lists are the lists of configurations, of which no bucket has any: the name of
// the root element.
var lists = map[string]string{
	"analytics":           "ListBucketAnalyticsConfigurationResult",
	"intelligent-tiering": "ListBucketIntelligentTieringConfigurationsOutput",
	"inventory":           "ListInventoryConfigurationsResult",
	"metrics":             "ListMetricsConfigurationsResult",
}

func prepareGetUnchanging(x *exchange) (task, error) {
	return task{run: func() error {
		u := unchangings[x.op.sub]
		d := x.beginDocument(http.StatusOK, u.root, false)
		d.text(u.element, u.shown)
		return d.end(u.root)
	}}, nil
}

// preparePutUnchanging accepts what holds anyway.
func preparePutUnchanging(x *exchange) (task, error) {
	u := unchangings[x.op.sub]
	r, err := x.openDocument(u.root)
	if err != nil {
		return task{}, err
	}
	values, err := r.leaves(u.element)
	if err == nil {
		err = r.finish()
	}
	switch value := values[u.element]; {
	case err == nil && value == u.accepted:
		return x.accept(), nil
	case err == nil && value == u.refused:
		return task{}, refuseWith("NotImplemented", x.op.name+" with "+u.element+" "+value+" is not implemented.")
	}
	return task{}, refuse("MalformedXML")
}

// accept answers a PUT that changes nothing.
func (x *exchange) accept() task {
	return task{run: func() error {
		x.WriteHeader(http.StatusOK)
		return nil
	}}
}

func prepareGetEmptied(x *exchange) (task, error) {
	return task{run: func() error {
		root := emptied[x.op.sub]
		return x.beginDocument(http.StatusOK, root, false).end(root)
	}}, nil
}

// preparePutEmptied accepts a document without content, which switches off what is
// off. Any other would have to be acted upon for ever after: 501.
func preparePutEmptied(x *exchange) (task, error) {
	r, err := x.openDocument(emptied[x.op.sub])
	if err != nil {
		return task{}, err
	}
	name, content, err := r.child()
	switch {
	case err == nil && content:
		return task{}, refuseWith("NotImplemented", x.op.name+" with "+name+" is not implemented.")
	case err != nil, r.finish() != nil:
		return task{}, refuse("MalformedXML")
	}
	return x.accept(), nil
}

func prepareListUnset(x *exchange) (task, error) {
	return task{run: func() error {
		root := lists[x.op.sub]
		d := x.beginDocument(http.StatusOK, root, false)
		d.flag("IsTruncated", false)
		return d.end(root)
	}}, nil
}
