package main

import (
	"context"
	"net/http"

	"github.com/seed61737384/tombstone/api"
)

// mfaActions are those of "tombstone mfa".
func mfaActions() []action {
	return []action{
		{verb: "list", args: "ACCOUNT", help: "the MFA devices of an account's root", run: listDevices},
		{verb: "enroll", args: "ACCOUNT NAME", flags: []string{"mfa"},
			help: "a new virtual device; its secret is shown once, with a QR code; --mfa \"SERIAL CODE\" if there is one already", run: enrollDevice},
		{verb: "remove", args: "ACCOUNT SERIAL", flags: []string{"mfa"},
			help: "remove a device; --mfa \"SERIAL CODE\" of one of the account", run: deletePath("/accounts/%s/devices/%s")},
	}
}

func listDevices(ctx context.Context, r *remote) error {
	var all []api.AdminDevice
	if err := r.call(ctx, http.MethodGet, below("/accounts/%s/devices", r.rest...), nil, nil, &all); err != nil {
		return err
	}
	rows := [][]string{{"SERIAL", "CREATED"}}
	for _, d := range all {
		rows = append(rows, []string{d.Serial, showTime(d.Created)})
	}
	return r.table(all, rows)
}

func enrollDevice(ctx context.Context, r *remote) error {
	var made api.AdminDevice
	in := api.AdminDevice{Name: r.arg(1)}
	if err := r.call(ctx, http.MethodPost, below("/accounts/%s/devices", r.arg(0)), nil, in, &made); err != nil {
		return err
	}
	if err := r.say(made, "serial  %s\nsecret  %s\nurl     %s", made.Serial, made.Secret, made.URL); err != nil || r.config.remote.json {
		return err
	}
	return printQR(r.stdout, made.URL)
}
