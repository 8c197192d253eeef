package attack

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// holds reports whether all conditions hold.
func (a *ask) holds(conditions map[string]map[string]texts) bool {
	for operator, keys := range conditions {
		for key, wanted := range keys {
			if !a.condition(operator, strings.ToLower(key), wanted) {
				return false
			}
		}
	}
	return true
}

// condition judges one key. What is absent meets negated operators, …IfExists and a Null that
// asks for it (spec AP2-15).
func (a *ask) condition(operator, key string, wanted texts) bool {
	set, rest, isSet := strings.Cut(operator, ":")
	if isSet {
		operator = rest
	}
	values, there := a.values[key]
	operator, ifExists := strings.CutSuffix(operator, "IfExists")
	negated := strings.Contains(operator, "Not")
	switch {
	case operator == "Null":
		return slices.Contains(wanted, strconv.FormatBool(!there))
	case !there && isSet:
		return set == "ForAllValues"
	case !there:
		return ifExists || negated
	}
	matches := func(value string) bool {
		return slices.ContainsFunc(wanted, func(want string) bool { return a.compare(operator, value, want) }) != negated
	}
	if isSet && set == "ForAllValues" {
		return !slices.ContainsFunc(values, func(v string) bool { return !matches(v) })
	}
	return slices.ContainsFunc(values, matches)
}

// compare compares by an operator, whose Not is for the caller.
func (a *ask) compare(operator, value, want string) bool {
	plain := strings.Replace(operator, "Not", "", 1)
	want, known := a.expand(want)
	if !known {
		return false
	}
	switch plain {
	case "StringEquals":
		return value == want
	case "StringLike", "ArnLike", "ArnEquals":
		return like(want, value)
	case "Bool":
		return strings.EqualFold(value, want)
	case "IpAddress":
		return inRange(value, want)
	}
	if strings.HasPrefix(plain, "Numeric") {
		return ordered(strings.TrimPrefix(plain, "Numeric"), number(value)-number(want))
	}
	return ordered(strings.TrimPrefix(plain, "Date"), moment(value)-moment(want))
}

func ordered(how string, difference float64) bool {
	switch how {
	case "LessThan":
		return difference < 0
	case "LessThanEquals":
		return difference <= 0
	case "GreaterThan":
		return difference > 0
	case "GreaterThanEquals":
		return difference >= 0
	}
	return difference == 0
}

func number(s string) float64 {
	n, _ := strconv.ParseFloat(s, 64)
	return n
}

func moment(s string) float64 {
	t, _ := time.Parse(time.RFC3339, s)
	return float64(t.Unix())
}

func inRange(value, want string) bool {
	addr, err := netip.ParseAddr(value)
	if err != nil {
		return false
	}
	if p, err := netip.ParsePrefix(want); err == nil {
		return p.Contains(addr)
	}
	single, err := netip.ParseAddr(want)
	return err == nil && single == addr
}
