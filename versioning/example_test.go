package versioning_test

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/seed61737384/tombstone/versioning"
)

// A PUT in a bucket with suspended versioning takes the place of the null entry,
// and answers no version id.
func ExamplePut() {
	yesterday := versioning.OrderAt(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC))
	today := versioning.OrderAt(time.Date(2030, 1, 2, 0, 0, 0, 0, time.UTC))
	request := versioning.PutRequest{Order: today, Now: today.Time()}

	// What has to be read before the rule can be asked?
	fmt.Printf("%+v\n", request.Needs(versioning.Suspended))
	facts := versioning.Facts{Null: &versioning.Version{Order: yesterday, Null: true}}

	plan, err := versioning.Put(versioning.Suspended, facts, &request)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("insert:", plan.Insert.Order.Time().Format(time.DateOnly), "null:", plan.Insert.Null)
	fmt.Println("remove:", plan.Remove.Order.Time().Format(time.DateOnly), "null:", plan.Remove.Null)
	fmt.Println("id is sent:", !plan.Answer.VersionID.IsZero())
	// Output:
	// {Current:false Null:true Target:false}
	// insert: 2030-01-02 null: true
	// remove: 2030-01-01 null: true
	// id is sent: false
}

// A DELETE that names no version hides the key where versioning is enabled; one
// that names a version destroys it, unless a lock protects it.
func ExampleDelete() {
	now := time.Date(2030, 1, 2, 0, 0, 0, 0, time.UTC)
	object := &versioning.Version{Order: versioning.OrderAt(now) - 1}
	object.Lock = versioning.Lock{Mode: versioning.Governance, Until: now.Add(24 * time.Hour)}

	hide := versioning.DeleteRequest{Order: versioning.OrderAt(now), Now: now}
	plan, err := versioning.Delete(versioning.Enabled, versioning.Facts{}, &hide)
	fmt.Println("inserts a delete marker:", plan.Insert.DeleteMarker, "removes:", plan.Remove, "error:", err)

	destroy := versioning.DeleteRequest{ID: object.ID(), Now: now}
	facts := versioning.Facts{Target: object}
	_, err = versioning.Delete(versioning.Enabled, facts, &destroy)
	fmt.Println(errors.Is(err, versioning.ObjectLocked), err)

	destroy.BypassGovernance = true
	plan, err = versioning.Delete(versioning.Enabled, facts, &destroy)
	fmt.Println("removes the object:", plan.Remove == object, "error:", err)
	// Output:
	// inserts a delete marker: true removes: <nil> error: <nil>
	// true version is protected by object lock
	// removes the object: true error: <nil>
}

// A version id hides the order of its entry and leads back to it.
func ExampleIDCodec() {
	codec, err := versioning.NewIDCodec(map[byte][]byte{1: bytes.Repeat([]byte("k"), versioning.IDSecretBytes)})
	if err != nil {
		fmt.Println(err)
		return
	}
	order := versioning.OrderAt(time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC))
	text := codec.Format(versioning.IDOf(order))
	fmt.Println(text)

	id, err := codec.Parse(text)
	fmt.Println(id.Order().Time(), err)

	_, err = codec.Parse("X" + text[1:])
	fmt.Println(err)
	// Output:
	// 0RQ9fNebDcJnxIZub.aYWT_dbqHdDWzD
	// 2030-01-02 03:04:05 +0000 UTC <nil>
	// malformed version id
}
