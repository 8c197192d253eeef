package api

import (
	"net/http"

	"github.com/seed61737384/tombstone/store"
	"github.com/seed61737384/tombstone/versioning"
)

// prepareGetBucketVersioning shows the state of a bucket: nothing of what was
// never set (spec VD1-1, VD1-6).
func prepareGetBucketVersioning(x *exchange) (task, error) {
	return task{run: func() error {
		d := x.beginDocument(http.StatusOK, "VersioningConfiguration", false)
		if x.found.Versioning != versioning.Unversioned {
			d.text("Status", x.found.Versioning.String())
		}
		switch x.found.MFADelete {
		case store.MFADeleteEnabled:
			d.text("MfaDelete", "Enabled")
		case store.MFADeleteDisabled:
			d.text("MfaDelete", "Disabled")
		}
		return d.end("VersioningConfiguration")
	}}, nil
}

// preparePutBucketVersioning changes the state. While MFA Delete is enabled, or to
// enable it, a token is needed (spec OL2-10).
func preparePutBucketVersioning(x *exchange) (task, error) {
	data, err := x.readDocument(maxSmallDocument)
	if err != nil {
		return task{}, err
	}
	if len(data) == 0 {
		return task{}, refuse("MissingRequestBodyError")
	}
	change, err := parseVersioning(data)
	if err != nil {
		return task{}, err
	}
	change.Made = x.maker()
	token := change.MFADelete == store.MFADeleteEnabled || x.found.MFADelete == store.MFADeleteEnabled
	return task{mfa: true, token: token, run: func() error {
		change.MFA = x.token
		if err := x.h.store.SetVersioning(x.Context(), x.bucket, change); err != nil {
			return err
		}
		x.WriteHeader(http.StatusOK)
		return nil
	}}, nil
}

// parseVersioning reads a VersioningConfiguration. Values are compared as they
// are, white space included (spec VD1-8 to VD1-14).
func parseVersioning(data []byte) (store.VersioningChange, error) {
	r, err := openXML(data, "VersioningConfiguration")
	if err != nil {
		return store.VersioningChange{}, refuse("MalformedXML")
	}
	values := map[string]string{}
	for {
		name, ok, err := r.child()
		if err == nil && !ok {
			err = r.finish()
		}
		if err != nil {
			return store.VersioningChange{}, refuse("MalformedXML")
		}
		if !ok {
			return versioningChange(values["Status"], values["MfaDelete"])
		}
		text, err := r.text()
		if _, again := values[name]; err != nil || again || name != "Status" && name != "MfaDelete" {
			return store.VersioningChange{}, refuse("MalformedXML")
		}
		values[name] = text
	}
}

// versioningChange says what the two elements mean, empty if they are or if they
// are not there.
func versioningChange(status, mfaDelete string) (store.VersioningChange, error) {
	var c store.VersioningChange
	switch mfaDelete {
	case "":
	case "Enabled":
		c.MFADelete = store.MFADeleteEnabled
	case "Disabled":
		c.MFADelete = store.MFADeleteDisabled
	default:
		return c, refuse("MalformedXML")
	}
	switch status {
	case "":
		return c, refuse("IllegalVersioningConfigurationException")
	case "Enabled":
		c.State = versioning.Enabled
	case "Suspended":
		c.State = versioning.Suspended
	default:
		return c, refuse("MalformedXML")
	}
	return c, nil
}
