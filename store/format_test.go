package store

import (
	"bufio"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// formatPage reads the tables of docs/format.md: for each heading, first cell to
// the rest of the row.
func formatPage(t *testing.T) map[string]map[string]string {
	t.Helper()
	f, err := os.Open("../docs/format.md")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tables, heading := make(map[string]map[string]string), ""
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, "#") {
			heading = strings.TrimLeft(line, "# ")
			tables[heading] = make(map[string]string)
		}
		cells := strings.Split(line, " | ")
		if !strings.HasPrefix(line, "| ") || len(cells) < 2 {
			continue
		}
		tables[heading][strings.Trim(cells[0], "| `")] = strings.Join(cells[1:], " | ")
	}
	return tables
}

// recordFields are the field constants of the code, by record of the page.
var recordFields = map[string][]uint64{
	"version": {versionKind, versionNull, versionOrder, versionSize, versionPlace, versionPartMap, versionStoredSize,
		versionBlockSize, versionTransforms, versionLock, versionUpload, versionForeignID, versionCRC, versionLastModified,
		versionRealTime, versionETag, versionTags, versionACL, versionChecksum, versionChecksumType, versionClass,
		versionSystem, versionUser, versionOwner, versionMade, versionReplication, versionOrigin},
	"head":       {headNewest, headMarker, headNull, headEntries, headAmended},
	"live":       {liveOrder, liveSize, liveLastModified, liveETag, liveOwner, liveClass, liveAlgorithm, liveChecksumType, liveAmended},
	"bucket":     {bucketRowID, bucketRowVersioning, bucketRowMFADelete, bucketRowObjectLock, bucketRowDeleting, bucketRowOwner, bucketRowType, bucketRowOwnership, bucketRowRetention, bucketRowCreated, bucketRowRegion},
	"blob":       {blobRowBucket, blobRowKey, blobRowOrder, blobRowUpload, blobRowPart, blobRowStored},
	"upload":     {uploadDescription, uploadAlgorithm, uploadChecksumType, uploadStartOrder, uploadStartObject},
	"done":       {doneBucket, doneKeyText, doneOrder, doneAnswer, doneList, doneSize, doneParts, doneAt, doneETag, doneChecksum, doneChecksumType},
	"part":       {partSize, partPiece, partOrigin, partCRC, partLastModified, partMD5, partChecksum, partMade},
	"piece":      {pieceRef, pieceLength, pieceOffset, pieceSize, pieceStored, pieceBlockSize, pieceOrigin},
	"reclaim":    {reclaimBucket, reclaimStored, reclaimPartSet},
	"parts":      {lostKey, lostUpload, lostKept, lostVersion},
	"owner":      {ownerAccount, ownerCanonical, ownerDisplay},
	"step":       {mfaStep},
	"ledger row": {ledgerAt, ledgerRealTime, ledgerBucketID, ledgerBucket, ledgerMade, ledgerSource, ledgerOperation, ledgerEntryTag},
	"ledger entry": {entryChange, entryKey, entryOrder, entryNull, entrySize, entryLock, entryLockBefore, entryConfig, entryDigest,
		entryBefore, entryAfter},
	"seal": {sealFrom, sealTo, sealRows, sealEntries, sealRoot, sealPrevious, sealAt, sealRealTime, sealDropped, sealKind, sealKeyID,
		sealMAC},
	"made": {madePrincipal, madeAccessKey, madeRequestID, madeCause},
}

// TestFormatPageFields holds the field numbers of docs/format.md against the code,
// and each field that is not reserved against what the code writes.
func TestFormatPageFields(t *testing.T) {
	page := formatPage(t)
	for record, tags := range recordFields {
		var want []string
		for _, tag := range tags {
			want = append(want, strconv.FormatUint(tag, 10))
		}
		slices.Sort(want)
		got := slices.Sorted(maps.Keys(page[record]))
		got = slices.DeleteFunc(got, func(s string) bool { _, err := strconv.Atoi(s); return err != nil })
		if !slices.Equal(got, want) {
			t.Errorf("record %s: the page has fields %v, the code %v", record, got, want)
		}
	}
	for record, encoded := range map[string][]byte{
		"version": append(fullRecord().encode(), partsRecord().encode()...), "live": amendedLive().encode(),
	} {
		written := make(map[string]bool)
		_, err := readFields(encoded, func(tag uint64, _ []byte) (bool, error) {
			written[strconv.FormatUint(tag, 10)] = true
			return true, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for tag, row := range page[record] {
			if _, err := strconv.Atoi(tag); err == nil && written[tag] == strings.Contains(row, "reserved") {
				t.Errorf("record %s field %s (%s): written is %v", record, tag, row, written[tag])
			}
		}
	}
}

// TestFormatPageTables holds tags, meta names and counters against the code.
func TestFormatPageTables(t *testing.T) {
	page := formatPage(t)
	tables := map[string]table{
		"meta": metaTable, "bucket": bucketTable, "config": configTable, "head": headTable, "live": liveTable,
		"version": versionTable, "data": dataTable, "blob": blobTable, "lock": lockTable, "upload": uploadTable,
		"part": partTable, "done": doneTable, "reclaim": reclaimTable, "stats": statsTable, "account": accountTable, "mfa": mfaTable,
		"outbox": outboxTable, "ledger": ledgerTable, "seal": sealTable, "job": jobTable, "alias": aliasTable,
	}
	rows := page["Index keys"]
	for name, tag := range tables {
		if !strings.HasPrefix(rows[string(rune(tag))], name+" |") {
			t.Errorf("table %s has the tag %c, which the page gives to %q", name, tag, rows[string(rune(tag))])
		}
	}
	if got, want := len(rows), len(tables)+1; got != want { // and the heading
		t.Errorf("the page has %d tables, the code %d", got-1, want-1)
	}
	for _, name := range []string{metaFormat, metaIncompatible, metaFolderID, metaTestFolder, metaTestClock, metaClockFloor, metaLockFloor, metaCeiling,
		metaEpoch, metaEpochFloor, metaLedger, metaSeal, metaIDKey + "` + one byte"} {
		if page["Meta rows"][name] == "" {
			t.Errorf("the page does not name the meta row %q", name)
		}
	}
	if got := len(page["Counters"]) - 1; got != statCount {
		t.Errorf("the page has %d counters, the code %d", got, statCount)
	}
	numbers := regexp.MustCompile(`(?m)^Format (\d+)\.`)
	text, err := os.ReadFile("../docs/format.md")
	if err != nil {
		t.Fatal(err)
	}
	if m := numbers.FindSubmatch(text); m == nil || string(m[1]) != strconv.Itoa(FolderFormat) {
		t.Errorf("the page does not say format %d", FolderFormat)
	}
}
