package api

import (
	"errors"
	"strings"
	"testing"
)

// rulesFrom reads a configuration whose rules are given by their elements.
func rulesFrom(t *testing.T, rules ...string) corsRules {
	t.Helper()
	data := "<CORSConfiguration><CORSRule>" + strings.Join(rules, "</CORSRule><CORSRule>") + "</CORSRule></CORSConfiguration>"
	parsed, err := parseCORS([]byte(data))
	if err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return parsed
}

// corsAnswer writes headers in one line each, the names without their common beginning.
func corsAnswer(headers []pair) string {
	var lines []string
	for _, h := range headers {
		lines = append(lines, strings.TrimPrefix(h.name, "Access-Control-")+": "+h.value)
	}
	return strings.Join(lines, "\n")
}

// TestCORSMatch holds the matching of rules. The answers are those of R-LS:
// TestS3Cors.
//
// spec: WI2-10
func TestCORSMatch(t *testing.T) {
	rules := rulesFrom(t,
		"<AllowedOrigin>http://a.com</AllowedOrigin><AllowedMethod>PUT</AllowedMethod><AllowedHeader>x-amz-*</AllowedHeader><AllowedHeader>Content-Type</AllowedHeader>",
		"<AllowedOrigin></AllowedOrigin><AllowedOrigin>http*.b.com</AllowedOrigin><AllowedMethod>GET</AllowedMethod><AllowedMethod>PUT</AllowedMethod><MaxAgeSeconds>10</MaxAgeSeconds>",
		"<AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod><ExposeHeader>ETag</ExposeHeader><ExposeHeader>x-amz-id-2</ExposeHeader>",
	)
	const vary = "\nVary: Origin, Access-Control-Request-Headers, Access-Control-Request-Method"
	tests := []struct {
		origin, method, headers string
		want                    string
	}{
		{"http://a.com", "PUT", "", "Allow-Origin: http://a.com\nAllow-Credentials: true\nAllow-Methods: PUT" + vary},
		{"http://a.com", "PUT", "X-AMZ-Date CONTENT-type", "Allow-Origin: http://a.com\nAllow-Credentials: true\nAllow-Methods: PUT\nAllow-Headers: x-amz-date, content-type" + vary},
		{"http://a.com", "PUT", "x-amz-date other", ""},
		{"http://a.com", "GET", "", "Allow-Origin: *\nAllow-Methods: GET\nExpose-Headers: ETag, x-amz-id-2" + vary},
		{"http://A.com", "PUT", "", ""},
		{"http://a.com.evil", "PUT", "", ""},
		{"http://x.b.com", "PUT", "", "Allow-Origin: http://x.b.com\nAllow-Credentials: true\nAllow-Methods: GET, PUT\nMax-Age: 10" + vary},
		{"http.b.com", "GET", "", "Allow-Origin: http.b.com\nAllow-Credentials: true\nAllow-Methods: GET, PUT\nMax-Age: 10" + vary},
		{"htt.b.com", "PUT", "", ""},
		{"https://b.com", "PUT", "", ""},
		{"https://b.com", "GET", "x-amz-date", ""},
		{"anything", "DELETE", "", ""},
		{"anything", "get", "", ""},
	}
	for _, test := range tests {
		q := corsRequest{origin: test.origin, method: test.method, headers: strings.Fields(test.headers)}
		if got := corsAnswer(rules.match(&q)); got != test.want {
			t.Errorf("%s from %s with %q:\n%s\nwant\n%s", test.method, test.origin, test.headers, got, test.want)
		}
	}
}

func TestFitsPattern(t *testing.T) {
	tests := []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true}, {"", "a", false}, {"*", "", true}, {"*", "a", true}, {"a", "a", true}, {"a", "ab", false},
		{"a*", "a", true}, {"a*b", "ab", true}, {"a*b", "acb", true}, {"a*b", "a", false}, {"aa*aa", "aaa", false}, {"*b", "ab", true},
	}
	for _, test := range tests {
		if got := fitsPattern(test.pattern, test.s); got != test.want {
			t.Errorf("%q fits %q: %v", test.s, test.pattern, got)
		}
	}
}

// FuzzCORS reads documents and holds them against a request: what is read can be
// written and read again, and an answer allows the page that asked and no other,
// in headers that hold no line of their own.
func FuzzCORS(f *testing.F) {
	f.Add("<CORSConfiguration><CORSRule><AllowedOrigin>http://*.a</AllowedOrigin><AllowedMethod>GET</AllowedMethod><AllowedHeader>*</AllowedHeader><MaxAgeSeconds>5</MaxAgeSeconds></CORSRule></CORSConfiguration>",
		"http://x.a", "GET", "a,b")
	f.Add("<CORSConfiguration><CORSRule><ID>i</ID><AllowedOrigin>*</AllowedOrigin><AllowedMethod>PUT</AllowedMethod><ExposeHeader>e</ExposeHeader></CORSRule></CORSConfiguration>",
		"null", "PUT", "")
	f.Add("<CORSConfiguration/>", "", "", "")
	f.Fuzz(func(t *testing.T, data, origin, method, headers string) {
		rules, err := parseCORS([]byte(data))
		if err != nil {
			var refused *failure
			if !errors.Is(err, errXML) && !errors.As(err, &refused) {
				t.Fatalf("%q is refused with %v", data, err)
			}
			return
		}
		kept := keptConfigs["cors"]
		written := string(kept.render(rules))
		again, err := parseCORS([]byte(written))
		if err != nil || string(kept.render(again)) != written {
			t.Fatalf("%q was written as %q, which reads as %+v, %v", data, written, again, err)
		}
		q := corsRequest{origin: origin, method: method, headers: strings.FieldsFunc(headers, func(r rune) bool { return r == ',' })}
		answer := rules.match(&q)
		if len(answer) > 0 && answer[0].value != origin && answer[0].value != "*" {
			t.Fatalf("a page of %q is told %+v", origin, answer)
		}
		for _, h := range answer {
			own := h.name != "Access-Control-Allow-Origin" && h.name != "Access-Control-Allow-Headers" // what the request brought
			if own && strings.ContainsFunc(h.value, isControl) {
				t.Fatalf("%q makes the header %s: %q", data, h.name, h.value)
			}
		}
	})
}
