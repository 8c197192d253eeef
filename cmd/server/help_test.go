package main

import (
	"strings"
	"testing"
)

// Each command says what its actions take, however it is asked.
func TestHelpOfACommand(t *testing.T) {
	for _, c := range commands() {
		code, want, stderr := ran("", "help", c.name)
		if code != exitOK || stderr != "" || !strings.Contains(want, c.help) {
			t.Errorf("help %s: exit code %d, %q, %q", c.name, code, want, stderr)
		}
		if c.name == "help" {
			continue
		}
		if code, got, _ := ran("", c.name, "--help"); code != exitOK || got != want {
			t.Errorf("%s --help: exit code %d, %q", c.name, code, got)
		}
		for _, s := range c.takes {
			if !strings.Contains(want, "--"+s.flag+" ") || !strings.Contains(want, s.env) {
				t.Errorf("help %s does not name --%s", c.name, s.flag)
			}
		}
		if c.actions != nil {
			wantActions(t, &c, want)
		}
	}
}

// wantActions reports what help of a command leaves out.
func wantActions(t *testing.T, c *command, text string) {
	t.Helper()
	all := c.actions()
	for i := range all {
		a := &all[i]
		if !strings.Contains(text, a.usage(c.name)+"\n") || !strings.Contains(text, a.help) {
			t.Errorf("help %s does not say what %s does", c.name, a.verb)
		}
		if code, got, _ := ran("", c.name, a.verb, "argument", "--help"); code != exitOK || got != text {
			t.Errorf("%s %s --help: exit code %d, %q", c.name, a.verb, code, got)
		}
	}
	for _, s := range remoteSettings() {
		if !strings.Contains(text, "--"+s.flag+" ") || !strings.Contains(text, s.env) || !strings.Contains(text, s.alias) {
			t.Errorf("help %s does not name --%s with its variables", c.name, s.flag)
		}
	}
	if !strings.Contains(text, defaultKeys.Access) || !strings.Contains(text, defaultKeys.Secret) {
		t.Errorf("help %s does not name the default pair", c.name)
	}
}

func TestHelpOfNoCommand(t *testing.T) {
	for _, args := range []string{"help bogus", "bogus --help", "bogus"} {
		code, stdout, stderr := ran("", strings.Fields(args)...)
		if code != exitRefused || stdout != "" || !strings.Contains(stderr, `unknown command "bogus"`) {
			t.Errorf("%s: exit code %d, %q, %q", args, code, stdout, stderr)
		}
	}
	for _, args := range []string{"help", "--help", "help --help", "--address 127.0.0.1:0 -h"} {
		if code, stdout, _ := ran("", strings.Fields(args)...); code != exitOK || !strings.Contains(stdout, "Commands:") {
			t.Errorf("%s: exit code %d, %q", args, code, stdout)
		}
	}
}
