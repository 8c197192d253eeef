package main

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"

	"github.com/minio/minio-go/v7/pkg/signer"
)

// The body of a DeleteObjects.
type (
	deleteDocument struct {
		XMLName xml.Name      `xml:"Delete"`
		Objects []deleteEntry `xml:"Object"`
	}
	deleteEntry struct {
		Key       string `xml:"Key"`
		VersionID string `xml:"VersionId"`
	}
)

// measureDeletePrepared destroys versions with requests that are written and
// signed before the clock starts, and whose answers are searched for errors but
// not parsed: what is left of the client is moving bytes. They come in the order
// of a listing, so that calls mostly meet on no key.
func measureDeletePrepared(ctx context.Context, s *server) ([]figure, error) {
	all, err := s.seedVersions(ctx)
	if err != nil {
		return nil, err
	}
	asListed(all)
	requests := make([]*http.Request, len(all)/batchSize)
	for i := range requests {
		if requests[i], err = s.prepareDelete(ctx, all[i*batchSize:(i+1)*batchSize]); err != nil {
			return nil, err
		}
	}
	client := &http.Client{Transport: transport(s.o)}
	defer client.CloseIdleConnections()
	t, err := s.load(ctx, s.o.workers, destroyPhases*s.o.duration, func(_ context.Context, i int) error {
		if i >= len(requests) {
			return errEnough
		}
		return send(client, requests[i])
	})
	t.done *= batchSize
	return rateFigure("DeleteObjects prepared, versions", t), err
}

// prepareDelete returns the signed request that destroys batch.
func (s *server) prepareDelete(ctx context.Context, batch []version) (*http.Request, error) {
	var document deleteDocument
	for _, v := range batch {
		document.Objects = append(document.Objects, deleteEntry{v.key, v.id})
	}
	body, err := xml.Marshal(document)
	if err != nil {
		return nil, err
	}
	url := s.core.EndpointURL().JoinPath(s.versioned)
	url.RawQuery = "delete="
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	md, sha := md5.Sum(body), sha256.Sum256(body)
	r.Header.Set("Content-MD5", base64.StdEncoding.EncodeToString(md[:]))
	r.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(sha[:]))
	return signer.SignV4(*r, s.o.access, s.o.secret, "", region), nil
}

// send sends a prepared DeleteObjects and fails unless all of it was done.
func send(client *http.Client, r *http.Request) error {
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	switch {
	case err != nil:
		return err
	case answer.StatusCode != http.StatusOK, bytes.Contains(text, []byte("<Error>")):
		return fmt.Errorf("%s: %.300s", answer.Status, text)
	}
	return nil
}
