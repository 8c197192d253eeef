package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxConfigFile bounds the configuration file, bytes. A larger one is something
// else.
const maxConfigFile = 1 << 20

// entry is a setting as the configuration file gives it.
type entry struct {
	place string // file, line and key, to name in a complaint
	value string
}

// readSettings reads a configuration file: one mapping from the names of flags to
// their values. Each mistake is named by file, line and key.
func readSettings(name string) (map[string]entry, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("--config: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxConfigFile+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("--config: %w", err)
	}
	if len(text) > maxConfigFile {
		return nil, fmt.Errorf("--config %s: longer than %d bytes", name, maxConfigFile)
	}
	return parseSettings(name, text, settings())
}

// parseSettings reads the text of a configuration file.
func parseSettings(name string, text []byte, known []setting) (map[string]entry, error) {
	documents := yaml.NewDecoder(bytes.NewReader(text))
	var document yaml.Node
	if err := documents.Decode(&document); errors.Is(err, io.EOF) {
		return nil, nil // an empty file sets nothing
	} else if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	root := document.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return nil, nil
	}
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s:%d: not a list of \"setting: value\"", name, root.Line)
	}
	if err := documents.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: more than one document", name)
	}
	entries := make(map[string]entry)
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		place := fmt.Sprintf("%s:%d: %s", name, key.Line, key.Value)
		if _, again := entries[key.Value]; again {
			return nil, fmt.Errorf("%s: given twice", place)
		}
		written, err := scalar(key.Value, value, known)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", place, err)
		}
		entries[key.Value] = entry{place, written}
	}
	return entries, nil
}

// scalar returns the value of a setting as a flag would have it.
func scalar(key string, value *yaml.Node, known []setting) (string, error) {
	for _, s := range known {
		if s.flag != key || s.outside {
			continue
		}
		if s.list && value.Kind == yaml.SequenceNode {
			return joined(value)
		}
		if value.Kind != yaml.ScalarNode || value.Tag == "!!null" {
			return "", errors.New("one value is needed")
		}
		return value.Value, nil
	}
	return "", errors.New("no such setting; \"tombstone help\" lists them")
}

// joined returns a list as a flag would have it.
func joined(list *yaml.Node) (string, error) {
	var values []string
	for _, item := range list.Content {
		if item.Kind != yaml.ScalarNode || item.Tag == "!!null" {
			return "", errors.New("a list of values is needed")
		}
		values = append(values, item.Value)
	}
	return strings.Join(values, ","), nil
}
