package api

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/gorilla/mux"

	"github.com/seed61737384/tombstone/auth"
	"github.com/seed61737384/tombstone/auth/policy"
	"github.com/seed61737384/tombstone/identity"
	"github.com/seed61737384/tombstone/internal/budget"
	"github.com/seed61737384/tombstone/internal/clock"
	"github.com/seed61737384/tombstone/jobs"
	"github.com/seed61737384/tombstone/lifecycle"
	"github.com/seed61737384/tombstone/store"
)

// defaultRegion is the region without a name of its own: its buckets show no
// location constraint.
const defaultRegion = "us-east-1"

// Options are the choices of [New]. Store and Verifier are needed.
type Options struct {
	Store    *store.Store
	Verifier *auth.Verifier
	// Owner is the account that the server belongs to: only there may anybody do what
	// concerns the server itself.
	Owner store.Owner
	// Identities tell who signs with which key, and what they may; nil means that every
	// key of Verifier is one of the root of Owner.
	Identities *identity.Registry
	// Region is where the server says it is; empty means us-east-1.
	Region string
	// Domains are the host names under which a bucket may stand as the first
	// part of the host; none means path style only.
	Domains []string
	// Clock tells the time that signatures are judged by; nil means the wall clock.
	Clock clock.Clock
	// Logger takes failures and, at Debug, every request; nil means none.
	Logger *slog.Logger
	// AccessLog logs every request at Info.
	AccessLog bool
	// TrustedProxies are the addresses whose X-Forwarded-For, -Proto and -Host
	// are believed; none means that nobody's are.
	TrustedProxies []netip.Prefix
	// MetricsPublic gives /_/metrics, which names the buckets, to anybody and not
	// to this machine alone.
	MetricsPublic bool
	// Lifecycle does what the rules of buckets say; nil means that nobody does.
	Lifecycle *lifecycle.Expirer
	// AcceptTransitions keeps rules that move objects to another storage class, without
	// effect; else they are refused (spec LC7-1).
	AcceptTransitions bool
	// Jobs runs long work such as emptying a bucket; nil means that nobody does. Its
	// store asks [Handler.PermitJob].
	Jobs *jobs.Runner
	// AllowForceDelete lets a DeleteBucket empty the bucket first, if a signed header
	// asks for it.
	AllowForceDelete bool
	// Budget is told of each request of the S3 API, so that background work yields to it;
	// nil: nothing does.
	Budget *budget.Budget
	// Rand is where request ids come from; nil means crypto/rand.
	Rand io.Reader
}

// Handler answers S3 requests. It is an http.Handler.
type Handler struct {
	store    *store.Store
	verifier *auth.Verifier
	// identities is nil if every key is the root's.
	identities *identity.Registry
	root       identity.Caller // of the account that the server belongs to
	region     string
	domains    []string
	clock      clock.Clock
	log        *slog.Logger
	ids        *requestIDs
	table      *operationTable
	router     *mux.Router
	metrics    *metrics
	budget     *budget.Budget
	expirer    *lifecycle.Expirer // nil if rules are not carried out
	jobs       *jobs.Runner       // nil if there are none
	proxies    []netip.Prefix
	clockTurn  sync.Mutex // held while the clock of a test folder is moved; before nothing

	accessLog, metricsPublic, acceptTransitions, allowForce bool

	serverHeader, hostHeader []string // values that every answer carries
}

var _ http.Handler = (*Handler)(nil)

// New returns a handler. It fails without a store or verifier, or if Rand does.
func New(o Options) (*Handler, error) {
	if o.Store == nil || o.Verifier == nil {
		return nil, errors.New("api: a store and a verifier are needed")
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Clock == nil {
		o.Clock = clock.Wall{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Region == "" {
		o.Region = defaultRegion
	}
	ids, err := newRequestIDs(o.Rand)
	if err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	var host [56]byte
	if _, err := io.ReadFull(o.Rand, host[:]); err != nil {
		return nil, fmt.Errorf("api: host id: %w", err)
	}
	h := &Handler{
		store: o.Store, verifier: o.Verifier, identities: o.Identities, region: o.Region,
		root: identity.Caller{Principal: policy.Principal{
			Account: o.Owner.Account, CanonicalID: o.Owner.CanonicalID, DisplayName: o.Owner.DisplayName,
		}},
		clock: o.Clock, log: o.Logger, ids: ids, table: newOperationTable(operations),
		serverHeader: []string{"AmazonS3"},
		hostHeader:   []string{base64.StdEncoding.EncodeToString(host[:])},
		metrics:      newMetrics(o.Store, o.Lifecycle, o.Logger),
		budget:       o.Budget,
		expirer:      o.Lifecycle,
		jobs:         o.Jobs, allowForce: o.AllowForceDelete,
		proxies:   o.TrustedProxies,
		accessLog: o.AccessLog, metricsPublic: o.MetricsPublic, acceptTransitions: o.AcceptTransitions,
	}
	for _, domain := range o.Domains {
		h.domains = append(h.domains, strings.ToLower(domain))
	}
	h.router = h.routes()
	return h, nil
}

// routes divides requests by what they are about. Paths are taken as they were
// sent: a cleaned one would name another key.
func (h *Handler) routes() *mux.Router {
	r := mux.NewRouter().SkipClean(true).UseEncodedPath()
	r.MatcherFunc(h.isHealth).HandlerFunc(h.serveHealth)
	r.MatcherFunc(func(r *http.Request, _ *mux.RouteMatch) bool { return h.isMetrics(r) }).HandlerFunc(h.serveMetrics)
	h.routeEndpoints(r)
	r.MatcherFunc(h.isReserved).HandlerFunc(serveReserved)
	for _, l := range []level{object, bucket, service} {
		r.MatcherFunc(h.at(l)).HandlerFunc(serveOperation)
	}
	r.NotFoundHandler = http.HandlerFunc(serveOperation)
	return r
}

// The names under which a route hands on what it found.
const (
	varBucket = "bucket"
	varKey    = "key"
)

// at matches requests at one level.
func (h *Handler) at(want level) mux.MatcherFunc {
	return func(r *http.Request, m *mux.RouteMatch) bool {
		t := locate(r.Host, r.URL, h.domains)
		if t.level != want {
			return false
		}
		m.Vars = map[string]string{varBucket: t.bucket, varKey: t.key}
		return true
	}
}

// ServeHTTP answers a request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{ResponseWriter: w, h: h, id: h.ids.next(), started: h.clock.Now()}
	h.metrics.inFlight.Inc()
	defer x.finish()
	x.receive(r)
	x.begin()
	h.router.ServeHTTP(x, x.r)
}

// finish counts and logs the request. A panic answers 500, or cuts the connection
// if the answer has begun.
func (x *exchange) finish() {
	x.h.metrics.inFlight.Dec()
	problem := recover()
	if problem == nil {
		x.record()
		return
	}
	if problem != any(http.ErrAbortHandler) {
		x.logFailure(fmt.Errorf("panic: %v\n%s", problem, debug.Stack()))
		if x.status == 0 {
			x.code = "InternalError"
			x.refuse(refuse("InternalError"))
			problem = nil
		}
	}
	x.record()
	if problem != nil {
		panic(http.ErrAbortHandler)
	}
}

// serveOperation answers the requests of the S3 API.
func serveOperation(w http.ResponseWriter, r *http.Request) {
	x := w.(*exchange)
	defer x.h.budget.Foreground()()
	vars := mux.Vars(r)
	x.bucket, x.key = vars[varBucket], vars[varKey]
	x.level = levelOf(x.bucket, x.key, len(vars) > 0)
	err := x.checkFraming()
	if err == nil {
		err = x.serve()
	}
	if err != nil {
		x.fail(err)
	}
}

func levelOf(bucketName, key string, routed bool) level {
	switch {
	case !routed:
		return nowhere
	case key != "":
		return object
	case bucketName != "":
		return bucket
	}
	return service
}

// isReserved matches the paths that belong to the server itself: no bucket's name
// begins with an underscore. In virtual-hosted style they are keys.
func (h *Handler) isReserved(r *http.Request, _ *mux.RouteMatch) bool {
	path := r.URL.Path
	return (path == "/_" || strings.HasPrefix(path, "/_/")) && hostBucket(r.Host, h.domains) == ""
}

func serveReserved(w http.ResponseWriter, _ *http.Request) {
	w.(*exchange).own = "Reserved"
	w.(*exchange).fail(refuse("NotFound"))
}

// healthPaths are the paths that say how the server is, and whether they say it
// of the store too.
var healthPaths = map[string]bool{
	"/_/health":             true,
	"/_/health/live":        false,
	"/_/health/ready":       true,
	"/minio/health/live":    false,
	"/minio/health/ready":   true,
	"/minio/health/cluster": true,
}

// isHealth matches health requests. They are unsigned and in path style; a signed
// request to the same path is about an object of a bucket of that name, and under
// the host of a bucket the path is a key.
func (h *Handler) isHealth(r *http.Request, _ *mux.RouteMatch) bool {
	if !strings.HasPrefix(r.URL.Path, "/_/") && !strings.HasPrefix(r.URL.Path, "/minio/") {
		return false
	}
	_, ok := healthPaths[r.URL.Path]
	return ok && (r.Method == http.MethodGet || r.Method == http.MethodHead) &&
		len(r.Header["Authorization"]) == 0 && r.URL.RawQuery == "" && hostBucket(r.Host, h.domains) == ""
}

// serveHealth answers 200, or 503 if the store cannot serve.
func (h *Handler) serveHealth(w http.ResponseWriter, r *http.Request) {
	w.(*exchange).own = "Health"
	if healthPaths[r.URL.Path] {
		if err := h.store.Health(r.Context()); err != nil {
			w.(*exchange).fail(&failure{code: "ServiceUnavailable", cause: err})
			return
		}
	}
	w.WriteHeader(http.StatusOK)
}
