package identity

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"
)

// The readers of a file walk its nodes themselves: an unmarshaller's errors would show values, secrets too.

// wrong is an error about what stands at n, or about the file as a whole.
func wrong(n *yaml.Node, format string, args ...any) error {
	line := 0
	if n != nil {
		line = n.Line
	}
	return &FileError{Line: line, Err: fmt.Errorf("%w: "+format, append([]any{ErrInvalid}, args...)...)}
}

// member is a key that a mapping may have.
type member struct {
	name     string
	required bool
	read     func(*yaml.Node) error
}

// readMapping reads a mapping that has the given members and no others.
func readMapping(n *yaml.Node, members []member) error {
	if n.Kind != yaml.MappingNode || n.ShortTag() != "!!map" {
		return wrong(n, "\"key: value\" is expected here%s", aliased(n))
	}
	var seen []string
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		m := slices.IndexFunc(members, func(m member) bool { return name.Kind == yaml.ScalarNode && m.name == name.Value })
		if m < 0 {
			return wrong(name, "unknown key; there may be %s", names(members))
		}
		if slices.Contains(seen, name.Value) {
			return wrong(name, "%s is given twice", name.Value)
		}
		seen = append(seen, name.Value)
		if err := members[m].read(value); err != nil {
			return err
		}
	}
	for _, m := range members {
		if m.required && !slices.Contains(seen, m.name) {
			return wrong(n, "%s is missing", m.name)
		}
	}
	return nil
}

// names lists the keys of a mapping.
func names(members []member) string {
	list := ""
	for i, m := range members {
		if i > 0 {
			list += ", "
		}
		list += m.name
	}
	return list
}

// list reads a sequence.
func list[T any](into *[]T, read func(*yaml.Node) (T, error)) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		if n.Kind != yaml.SequenceNode || n.ShortTag() != "!!seq" {
			return wrong(n, "a list is expected here%s", aliased(n))
		}
		for _, item := range n.Content {
			v, err := read(item)
			if err != nil {
				return err
			}
			*into = append(*into, v)
		}
		return nil
	}
}

// text reads a scalar as it is written: 000000000000 is an id of 12 digits, with and without quotes.
func text(into *string) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		if !plain(n) || n.Value == "" {
			return wrong(n, "a text is expected here%s", aliased(n))
		}
		*into = n.Value
		return nil
	}
}

func secret(into *Secret) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		var s string
		err := text(&s)(n)
		*into = NewSecret(s)
		return err
	}
}

func flag(into *bool) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!bool" || n.Decode(into) != nil {
			return wrong(n, "true or false is expected here%s", aliased(n))
		}
		return nil
	}
}

// plain reports whether n is a scalar of YAML's own types that has a value.
func plain(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && slices.Contains([]string{"!!str", "!!int", "!!float", "!!bool", "!!timestamp"}, n.ShortTag())
}

// aliased explains why an alias is refused: what a line means is to be seen there.
func aliased(n *yaml.Node) string {
	if n.Kind == yaml.AliasNode {
		return "; aliases are not followed"
	}
	return ""
}
