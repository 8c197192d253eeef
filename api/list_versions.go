package api

import (
	"net/http"

	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// prepareListObjectVersions reads a ListObjectVersions (spec LS2).
func prepareListObjectVersions(x *exchange) (task, error) {
	p, err := parseListParameters(x.query)
	if err != nil {
		return task{}, err
	}
	id, err := x.versionIDMarker()
	if err != nil {
		return task{}, err
	}
	r := store.VersionsRequest{
		Bucket: x.bucket, Prefix: p.prefix, Delimiter: p.delimiter,
		KeyMarker: x.query.value("key-marker"), IDMarker: id, Limit: p.maxKeys,
	}
	return task{run: func() error { return x.listVersions(p, r) }}, nil
}

// versionIDMarker reads version-id-marker (spec LS2-13 to LS2-15).
func (x *exchange) versionIDMarker() (versioning.ID, error) {
	const name = "version-id-marker"
	text := x.query.value(name)
	if text == "" {
		return versioning.ID{}, nil
	}
	if x.query.value("key-marker") == "" {
		return versioning.ID{}, invalidArgument("A version-id marker cannot be specified without a key marker.", name, text)
	}
	id, err := x.h.store.ParseVersionID(text)
	if err != nil {
		return versioning.ID{}, invalidArgument("Invalid version id specified", name, text)
	}
	return id, nil
}

func (x *exchange) listVersions(p listParameters, r store.VersionsRequest) error {
	page, err := x.h.store.ListObjectVersions(x.Context(), r)
	if err == nil {
		err = x.disown(page.Entries)
	}
	if err != nil {
		return err
	}
	l := &listing{document: x.beginDocument(http.StatusOK, "ListVersionsResult", false), listParameters: p}
	l.text("Name", x.bucket)
	l.name("Prefix", p.prefix)
	l.name("KeyMarker", r.KeyMarker)
	l.text("VersionIdMarker", x.query.value("version-id-marker"))
	if page.Truncated { // spec LS2-3, LS2-18
		l.name("NextKeyMarker", page.NextKeyMarker)
		if page.NextVersionIDMarker != "" {
			l.text("NextVersionIdMarker", page.NextVersionIDMarker)
		}
	}
	l.echo(page.Truncated)
	for i := range page.Entries {
		l.entry(&page.Entries[i])
	}
	l.commonPrefixes(page.CommonPrefixes)
	return l.end("ListVersionsResult")
}

// entry writes a version or a delete marker (spec LS2-4, LS2-5).
func (l *listing) entry(o *store.Object) {
	element := "Version"
	if o.DeleteMarker {
		element = "DeleteMarker"
	}
	l.open(element)
	l.name("Key", o.Key)
	l.text("VersionId", o.VersionID)
	l.flag("IsLatest", o.Latest)
	if o.DeleteMarker {
		l.date("LastModified", o.LastModified)
		l.owner(o.Owner)
	} else {
		l.content(o, true)
	}
	l.close(element)
}
