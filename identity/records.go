package identity

// Tags that mean the same in every record.
const (
	tagFromFile = 2  // the declarative file made it
	tagCreated  = 65 // time
)

// Tags of single records.
const (
	accountCanonical = 1
	accountDisplay   = 64

	userPath = 1
	userID   = 3

	keyAccount  = 1
	keyUser     = 3 // absent: the root
	keyInactive = 4
	keySecret   = 5 // sealed

	policyDocument = 1

	deviceAccount = 1
	deviceSealed  = 3

	usedAt = 64

	secretsCheck = 1 // sealed
)

func encodeAccount(a *account) []byte {
	f := make(fields, 0, 100)
	f.text(accountCanonical, a.CanonicalID)
	f.flag(tagFromFile, a.FromFile)
	f.text(accountDisplay, a.DisplayName)
	f.time(tagCreated, a.Created)
	return append(f, a.unknown...)
}

func decodeAccount(id string, record []byte) (*account, error) {
	a, ok := newAccount(Account{ID: id}), true
	unknown, err := readFields(record, func(tag uint64, p []byte) bool {
		switch tag {
		case accountCanonical:
			a.CanonicalID = string(p)
		case tagFromFile:
			a.FromFile = readUint(p, &ok) == 1
		case accountDisplay:
			a.DisplayName = string(p)
		case tagCreated:
			a.Created = readTime(p, &ok)
		default:
			return false
		}
		return true
	})
	a.unknown, a.stored = unknown, true
	return a, decoded(err, ok && checkAccountID(id) == nil && checkCanonicalID(a.CanonicalID) == nil)
}

func encodeUser(u *user) []byte {
	f := make(fields, 0, 80)
	f.text(userPath, u.Path)
	f.flag(tagFromFile, u.FromFile)
	f.text(userID, u.ID)
	f.time(tagCreated, u.Created)
	return append(f, u.unknown...)
}

func decodeUser(account, name string, record []byte) (*user, error) {
	u, ok := newUser(User{Account: account, Name: name}), true
	unknown, err := readFields(record, func(tag uint64, p []byte) bool {
		switch tag {
		case userPath:
			u.Path = string(p)
		case tagFromFile:
			u.FromFile = readUint(p, &ok) == 1
		case userID:
			u.ID = string(p)
		case tagCreated:
			u.Created = readTime(p, &ok)
		default:
			return false
		}
		return true
	})
	u.unknown = unknown
	return u, decoded(err, ok && checkName("", name, maxName) == nil && checkPath(u.Path) == nil && u.ID != "")
}

func encodeKey(k *key, sealed []byte) []byte {
	f := make(fields, 0, 160)
	f.text(keyAccount, k.Account)
	f.flag(tagFromFile, k.FromFile)
	f.text(keyUser, k.User)
	f.flag(keyInactive, !k.Active)
	f.bytes(keySecret, sealed)
	f.time(tagCreated, k.Created)
	return append(f, k.unknown...)
}

func decodeKey(accessKey string, record []byte) (k *key, sealed []byte, err error) {
	k = &key{Key: Key{AccessKey: accessKey, Active: true}, use: &usage{}}
	ok := true
	k.unknown, err = readFields(record, func(tag uint64, p []byte) bool {
		switch tag {
		case keyAccount:
			k.Account = string(p)
		case tagFromFile:
			k.FromFile = readUint(p, &ok) == 1
		case keyUser:
			k.User = string(p)
		case keyInactive:
			k.Active = readUint(p, &ok) != 1
		case keySecret:
			sealed = append([]byte(nil), p...)
		case tagCreated:
			k.Created = readTime(p, &ok)
		default:
			return false
		}
		return true
	})
	return k, sealed, decoded(err, ok && k.Account != "" && accessKey != "" && len(sealed) > 0)
}

// encodePolicy is for inline policies and those of an account.
func encodePolicy(d *document) []byte {
	f := make(fields, 0, len(d.JSON)+16)
	f.bytes(policyDocument, d.JSON)
	f.flag(tagFromFile, d.FromFile)
	return append(f, d.unknown...)
}

func decodePolicy(name string, record []byte) (*document, error) {
	d, ok := &document{Policy: Policy{Name: name}}, true
	unknown, err := readFields(record, func(tag uint64, p []byte) bool {
		switch tag {
		case policyDocument:
			d.JSON = append([]byte(nil), p...)
		case tagFromFile:
			d.FromFile = readUint(p, &ok) == 1
		default:
			return false
		}
		return true
	})
	d.unknown = unknown
	if err = decoded(err, ok && len(d.JSON) > 0); err == nil {
		d.parsed, err = parseDocument(d.JSON)
	}
	return d, err
}

// encodeAttached always has a field, so that the row is not empty.
func encodeAttached(a *attachment) []byte {
	f := make(fields, 0, 16)
	f.flag(tagFromFile, a.fromFile)
	f.time(tagCreated, a.created)
	return append(f, a.unknown...)
}

func decodeAttached(record []byte) (*attachment, error) {
	a, ok := &attachment{}, true
	unknown, err := readFields(record, func(tag uint64, p []byte) bool {
		switch tag {
		case tagFromFile:
			a.fromFile = readUint(p, &ok) == 1
		case tagCreated:
			a.created = readTime(p, &ok)
		default:
			return false
		}
		return true
	})
	a.unknown = unknown
	return a, decoded(err, ok && !a.created.IsZero())
}

func encodeDevice(d *device, sealed []byte) []byte {
	f := make(fields, 0, 100)
	f.text(deviceAccount, d.Account)
	f.flag(tagFromFile, d.FromFile)
	f.bytes(deviceSealed, sealed)
	f.time(tagCreated, d.Created)
	return append(f, d.unknown...)
}

func decodeDevice(serial string, record []byte) (d *device, sealed []byte, err error) {
	d = &device{Device: Device{Serial: serial}, codes: &attempts{}}
	ok := true
	d.unknown, err = readFields(record, func(tag uint64, p []byte) bool {
		switch tag {
		case deviceAccount:
			d.Account = string(p)
		case tagFromFile:
			d.FromFile = readUint(p, &ok) == 1
		case deviceSealed:
			sealed = append([]byte(nil), p...)
		case tagCreated:
			d.Created = readTime(p, &ok)
		default:
			return false
		}
		return true
	})
	return d, sealed, decoded(err, ok && d.Account != "" && serial != "" && len(sealed) > 0)
}

func encodeUsed(ms int64) []byte {
	f := fields{}
	f.uint(usedAt, uint64(ms))
	return f
}

func decodeUsed(record []byte) (ms int64, err error) {
	ok := true
	_, err = readFields(record, func(tag uint64, p []byte) bool {
		if tag == usedAt {
			ms = readTime(p, &ok).UnixMilli()
		}
		return tag == usedAt
	})
	return ms, decoded(err, ok)
}

func encodeSecrets(sealed []byte) []byte {
	f := fields{}
	f.bytes(secretsCheck, sealed)
	return f
}

func decodeSecrets(record []byte) (sealed []byte, err error) {
	_, err = readFields(record, func(tag uint64, p []byte) bool {
		if tag == secretsCheck {
			sealed = append([]byte(nil), p...)
		}
		return tag == secretsCheck
	})
	return sealed, decoded(err, len(sealed) > 0)
}

// decoded is the error of a record that was read with err, and holds what it has to if whole.
func decoded(err error, whole bool) error {
	if err == nil && !whole {
		return errRecord
	}
	return err
}
