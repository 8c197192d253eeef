package policy

// Principal is who makes a request: the root of an account, one of its users,
// or nobody known. It does not change once it is in use.
type Principal struct {
	Account     string // 12 digits; "" for an anonymous request
	CanonicalID string // of the account; what ACLs name
	DisplayName string // of the account
	User        string // name of the user; "" for the root of the account
	Path        string // of the user, as "/backup/"; "" means "/"
	UserID      string // unique id of the user; "" for the root
}

// Anonymous reports whether the request was not signed. A nil Principal is
// anonymous as well.
func (p *Principal) Anonymous() bool { return p == nil || p.Account == "" }

// Root reports whether p is the root of its account.
func (p *Principal) Root() bool { return !p.Anonymous() && p.User == "" }

// ARN returns the name policies use: "arn:aws:iam::ACCOUNT:root" or
// "arn:aws:iam::ACCOUNT:user/PATH/NAME", and "" of an anonymous principal.
func (p *Principal) ARN() string {
	switch {
	case p.Anonymous():
		return ""
	case p.User == "":
		return iamARN + p.Account + rootSuffix
	case p.Path == "":
		return iamARN + p.Account + ":user/" + p.User
	}
	return iamARN + p.Account + ":user" + p.Path + p.User
}

const (
	iamARN     = "arn:aws:iam::"
	rootSuffix = ":root"
)
