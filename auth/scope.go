package auth

import (
	"strings"
	"time"
)

// credentialScope is what a Credential says.
type credentialScope struct{ accessKey, date, region, service, terminator string }

// String returns the scope as it stands in a string to sign: without the access key.
func (c credentialScope) String() string {
	return c.date + "/" + c.region + "/" + c.service + "/" + c.terminator
}

// parseCredential takes a Credential apart. It is read from its end, so that access keys may hold a slash.
func parseCredential(credential string) (credentialScope, *scopeFault) {
	var parts [5]string
	rest := credential
	for i := len(parts) - 1; i > 0; i-- {
		slash := strings.LastIndexByte(rest, '/')
		if slash < 0 {
			return credentialScope{}, &scopeFault{detail: `the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".`}
		}
		parts[i], rest = rest[slash+1:], rest[:slash]
	}
	if rest == "" {
		return credentialScope{}, &scopeFault{detail: "a non-empty Access Key (AKID) must be provided in the credential."}
	}
	return credentialScope{accessKey: rest, date: parts[1], region: parts[2], service: parts[3], terminator: parts[4]}, nil
}

// checkScope compares the scope with the server and with the day of the request, as yyyymmdd.
func (v *Verifier) checkScope(c credentialScope, day string) *scopeFault {
	if _, err := time.Parse(scopeDate, c.date); err != nil {
		return &scopeFault{detail: `incorrect date format "` + c.date + `". This date in the credential must be in the format "yyyyMMdd".`}
	}
	if c.date != day {
		return &scopeFault{ofDate: true, detail: `Invalid credential date "` + c.date + `". This date is not the same as X-Amz-Date: "` + day + `".`}
	}
	switch {
	case c.region == "":
		return &scopeFault{detail: "a non-empty region must be provided in the credential."}
	case v.Region != "" && c.region != v.Region:
		return &scopeFault{expected: v.Region, detail: "the region '" + c.region + "' is wrong; expecting '" + v.Region + "'"}
	case c.service != service:
		return &scopeFault{detail: `incorrect service "` + c.service + `". This endpoint belongs to "` + service + `".`}
	case c.terminator != terminator:
		return &scopeFault{detail: `incorrect terminal "` + c.terminator + `". This endpoint uses "` + terminator + `".`}
	}
	return nil
}

// scopeFault is what is wrong with a credential. Header, query and form each have their own answer to it.
type scopeFault struct {
	detail   string
	expected string // the region of the server, when another was named
	ofDate   bool   // the day is not that of the request
}

// elements names the region that would have been right.
func (f *scopeFault) elements() []Field {
	if f.expected == "" {
		return nil
	}
	return []Field{{"Region", f.expected}}
}

// inHeader is the answer where the Authorization header names the scope (spec WI1.3-10).
func (f *scopeFault) inHeader() *Error {
	err := malformedHeader(f.detail)
	err.Fields = f.elements()
	return err
}

// inQuery is the answer where X-Amz-Credential of a query names it (spec WI1.3-9).
func (f *scopeFault) inQuery() *Error {
	err := malformedQuery("Error parsing the X-Amz-Credential parameter; " + f.detail)
	if f.ofDate {
		err.Message = f.detail
	}
	err.Fields = f.elements()
	return err
}

// inForm is the answer where x-amz-credential of a form names it (R-IS:CulturalMe/meteor-slingshot#150).
func (f *scopeFault) inForm(credential string) *Error {
	err := invalidArgument(f.detail, argCredential, credential)
	err.Fields = append(err.Fields, f.elements()...)
	return err
}
