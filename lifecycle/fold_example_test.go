package lifecycle_test

import (
	"fmt"
	"time"

	"github.com/seed61737384/tombstone/lifecycle"
	"github.com/seed61737384/tombstone/versioning"
)

// A version that was replaced on 2 January at 11:30 goes five days later, at the next
// midnight.
func ExampleFold() {
	const document = `<LifecycleConfiguration><Rule><ID>old</ID><Filter><Prefix>logs/</Prefix></Filter><Status>Enabled</Status>` +
		`<NoncurrentVersionExpiration><NoncurrentDays>5</NoncurrentDays></NoncurrentVersionExpiration></Rule></LifecycleConfiguration>`
	rules, err := lifecycle.ParseXML([]byte(document), func() string { return "generated" })
	if err != nil {
		fmt.Println(err)
		return
	}
	at := lifecycle.Instant{Now: time.Date(2024, 1, 8, 0, 0, 0, 0, time.UTC), State: versioning.Enabled}
	fold := lifecycle.NewFold(rules, at, func(v *lifecycle.Verdict) {
		if v.Kind != lifecycle.None {
			fmt.Println(v.Entry.Order, v.Kind, "by", v.Rule.ID, "due", v.Due, v.Act(at))
		}
	})
	replaced := time.Date(2024, 1, 2, 11, 30, 0, 0, time.UTC)
	fold.Next(&lifecycle.Entry{Key: "logs/a", Order: 2, ID: versioning.IDOf(2), LastModified: replaced})
	fold.Next(&lifecycle.Entry{Key: "logs/a", Order: 1, ID: versioning.IDOf(1), LastModified: replaced.AddDate(0, -1, 0)})
	fold.End()
	// Output:
	// 1 RemoveNoncurrent by old due 2024-01-08 00:00:00 +0000 UTC true
}
